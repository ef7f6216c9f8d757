"""A study's page: series, orders, reports, doses, key images, documents, and the way to the images.

`/studies/{StudyInstanceUID}`
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.imaging.reports.follow import TYPE_OF
from app.imaging.reports.study import Study, dicom_request, read_study
from app.portal.gate import Visit, view
from app.portal.items import Item, item
from app.portal.page import Page
from app.portal.patients import today
from app.portal.people import Someone, someone
from app.portal.sites import read_sites
from app.portal.studies.described import described
from app.portal.studies.doses import dose_rows
from app.portal.studies.linked import Linked, read_linked
from app.portal.studies.shown import OTHERS, doses_of, key_images_of, listed, reports_of, shown_quantity, when_of
from app.records.row_ids import id_of
from dicom.reports.kinds import Kind
from dicom.values import is_uid
from fhir.errors import Deleted, NotFound
from fhir.store.stored import Stored

VIEWER = "/images"
"""Where images are looked at."""


def uid_in(request: Request, name: str) -> str:
    """Return a UID of the address.

    Raises:
        NotFound: it is none.
    """
    found: str = request.path_params[name]
    if not is_uid(found):
        raise NotFound("There is no such study")
    return found


async def study_of(visit: Visit) -> Study:
    """Return the study that the address names; that it is looked at is recorded.

    Raises:
        NotFound: it does not exist for the caller.
    """
    return await read_study(dicom_request(visit.fhir, uid_in(visit.web, "study")))


async def patient_of(visit: Visit, patient_key: int) -> Stored | None:
    """Return the Patient of a study; None when it does not exist for the caller."""
    try:
        return await visit.fhir.record.read("Patient", await visit.hub.patient_id(patient_key))
    except (NotFound, Deleted):
        return None


def people_of(visit: Visit, patient: Stored | None) -> list[Someone]:
    """Return the Patient of a study as its pages show them, or nobody."""
    return [] if patient is None else [someone(patient, today(visit))]


def _values(study: Study, linked: Linked) -> dict[str, Any]:
    facts = study.facts
    shown = [made for one in linked.copies if (made := item(one)) is not None]
    return {
        "study": study,
        "uid": facts.study_instance_uid,
        "title": " ".join(filter(None, [_modalities(study), facts.study_description])) or "—",
        "when": when_of(facts.study_date, facts.study_time),
        "referrer": facts.referring_physician_name.shown,
        "marked": _marked(shown),
        "orders": linked.orders,
        "reports": reports_of(study),
        "other_reports": linked.reports,
        "other_documents": linked.documents,
        "doses": [(one, dose_rows(one.dose)) for one in doses_of(study)],
        "key_images": key_images_of(study),
        "documents": listed(study, Kind.DOCUMENT),
        "others": listed(study, *OTHERS),
        "viewer": f"{VIEWER}/{facts.study_instance_uid}",
        "quantity": shown_quantity,
    }


def _modalities(study: Study) -> str:
    return " ".join(dict.fromkeys(one.facts.modality for one in study.series if one.kind is Kind.IMAGE))


def _marked(items: list[Item]) -> Item | None:
    """Return the copy whose marks the page shows: one that is sensitive, if any is."""
    return max(items, key=lambda one: (one.sensitive, one.uninformed), default=None)


async def _read(visit: Visit) -> tuple[Study, Linked]:
    """Return the study that the address names, and what belongs with it.

    Raises:
        NotFound: neither instances nor an ImagingStudy of it exist for the caller.
    """
    uid = uid_in(visit.web, "study")
    try:
        study = await study_of(visit)
    except NotFound:
        linked = await read_linked(visit, uid, ())
        found = described(uid, linked.copies, visit.caller.organisation)
        if found is None:
            raise
        return found, linked
    told = [id_of(one.row.id) for one in study.objects if one.kind in TYPE_OF]
    return study, await read_linked(visit, uid, told, study.sites)


async def study_page(request: Request) -> Response:
    """Show a study."""

    async def work(visit: Visit) -> Page:
        study, linked = await _read(visit)
        people = people_of(visit, await patient_of(visit, study.patient_key))
        more = {
            "people": people,
            "patient_id": people[0].id if people else "",
            "sites": await read_sites(visit.hub),
        }
        return Page("study.html", _values(study, linked) | more)

    return await view(request, "timeline", work, interaction="read", action="R")
