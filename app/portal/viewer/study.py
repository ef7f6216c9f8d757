"""A study as its pages name it: whose it is, which sites keep it, its series, and the person's other studies.

What is listed comes from the ImagingStudies that exist for the caller; pixels come from DICOMweb alone.
https://hl7.org/fhir/R4/imagingstudy.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.consent.break_glass.purpose import keys_behind_glass
from app.identity.scope import patient_keys
from app.imaging.one_person import of_one_person
from app.portal.gate import Visit
from app.portal.images import Study, studies
from app.portal.items import NO_IMAGES, item
from app.portal.patients import today
from app.portal.people import Someone, someone
from app.records.query import read_query
from app.records.request import FhirRequest
from dicom.values import is_uid
from fhir.errors import NotFound
from fhir.search.run import search
from fhir.store.stored import Stored

ROOT = "/dicomweb"
"""Where the pages ask for images."""

MOST_COPIES = 50
"""Sites that keep the same study."""

MOST_STUDIES = 500
"""Studies of a person that are offered for comparison."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series as a study lists it."""

    uid: str
    modality: str
    title: str
    """Modality, number, description."""
    instances: int

    @property
    def has_images(self) -> bool:
        """Whether there is something to be seen in it."""
        return self.modality not in NO_IMAGES


@dataclass(frozen=True, slots=True)
class Opened:
    """A study that somebody looks at."""

    uid: str
    patient_id: str
    people: Sequence[Someone]
    """The person's Patients, the study's own first."""
    copies: Sequence[Study]
    """The study at each site that keeps it, the caller's own first."""
    others: Sequence[Study]
    """The person's other studies, of all sites, the newest first."""
    why: str
    """`own`, `glass` or `consent`: by what the caller sees it."""

    @property
    def first(self) -> Study:
        """The copy that stands for all."""
        return self.copies[0]

    @property
    def sites(self) -> frozenset[int]:
        """Who keeps it."""
        return frozenset(one.item.custodian for one in self.copies)

    @property
    def series(self) -> Sequence[Series]:
        """Its series, each once, by their numbers."""
        return series_of(one.item.body for one in self.copies)


def series_of(bodies: Iterable[Mapping[str, Any]]) -> list[Series]:
    """Return the series of ImagingStudies, each once, by their numbers."""
    found: dict[str, tuple[int, Series]] = {}
    for one in (series for body in bodies for series in body.get("series", ())):
        uid, number = str(one.get("uid", "")), one.get("number")
        modality = str(one.get("modality", {}).get("code", ""))
        texts = (modality, "" if number is None else str(number), str(one.get("description", "")))
        made = Series(uid, modality, " ".join(filter(None, texts)), int(one.get("numberOfInstances", 0)))
        known = found.get(uid)
        if is_uid(uid) and (known is None or known[1].instances < made.instances):
            found[uid] = (number if isinstance(number, int) else 10**9, made)
    return [made for _, made in sorted(found.values(), key=lambda pair: (pair[0], pair[1].uid))]


def label(study: Study, site: str) -> str:
    """Return a study in a line: day, modalities and description, site."""
    return "  ".join(filter(None, [study.item.day, study.item.title, study.item.detail, site]))


async def find_studies(request: FhirRequest, identifier: str) -> Sequence[Stored]:
    """Return the ImagingStudies with an identifier that exist for the caller, the caller's own site's first.

    Which of them are disclosed the caller of this says.

    Args:
        request: The request.
        identifier: As a search has it: a system, a bar and a value, or a value alone.
    """
    record = request.record
    query = read_query(request.hub, "ImagingStudy", [("identifier", identifier)])
    page = await search(record.connection, record.visibility, query, patient_keys, limit=MOST_COPIES)
    shown = [one for one in page.matches if item(one) is not None]
    return sorted(shown, key=lambda one: one.custodian != request.caller.organisation)


async def find_copies(request: FhirRequest, uid: str) -> Sequence[Stored]:
    """Return the ImagingStudies of a StudyInstanceUID that exist for the caller, the caller's own site's first.

    They are of one person: another one's, whose study has the same UID, is not shown with them.

    Raises:
        NotFound: there are none, or it is no UID.
    """
    is_open = is_uid(uid) and uid in (request.caller.studies or (uid,))
    found = await find_studies(request, f"urn:dicom:uid|urn:oid:{uid}") if is_open else ()
    if not found:
        raise NotFound("There is no such study")
    copies = await of_one_person(request.hub.database.reader, found, request.caller.organisation)
    request.record.disclosed += copies
    return copies


async def studies_of(request: FhirRequest, patient_id: str) -> tuple[Sequence[Stored], list[Study]]:
    """Return the Patients of a person, and the studies that exist for the caller, the newest first."""
    part = await request.record.everything(patient_id, ("Patient", "ImagingStudy"), limit=MOST_STUDIES)
    listed = [item(one) for one in part.resources if one.type == "ImagingStudy"]
    only = request.caller.studies
    found = [one for one in studies(filter(None, listed)) if one.uid and one.uid in (only or (one.uid,))]
    return [one for one in part.resources if one.type == "Patient"], found


async def read_opened(visit: Visit, uid: str) -> Opened:
    """Return a study that exists for the caller.

    Raises:
        NotFound: there is none.
    """
    copies = await find_copies(visit.fhir, uid)
    patient_id = await visit.hub.patient_id(copies[0].patient_key)
    patients, others = await studies_of(visit.fhir, patient_id)
    people = [someone(one, today(visit)) for one in patients]
    if not people:
        raise NotFound("There is no such study")
    people.sort(key=lambda one: one.id != patient_id)
    return Opened(
        uid=uid,
        patient_id=patient_id,
        people=people,
        copies=[one for stored in copies for one in studies(filter(None, [item(stored)]))],
        others=[one for one in others if one.uid != uid],
        why=await _why(visit, copies[0]),
    )


async def _why(visit: Visit, copy: Stored) -> str:
    if copy.custodian == visit.caller.organisation:
        return "own"
    keys = await keys_behind_glass(visit.hub.database.reader, visit.caller)
    return "glass" if copy.patient_key in keys else "consent"
