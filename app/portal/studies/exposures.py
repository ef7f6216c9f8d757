"""The doses of a person over all sites, as a page and as a file (IHE RAD: Radiation Exposure Monitoring; HS035).

The list is made of the Observations that the hub files of dose reports; sums are of what is listed, and are no
effective dose.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.comma import comma_separated
from app.identity.scope import patient_keys
from app.imaging.imaging_study import DICOM_UID, study_uid
from app.imaging.reports.resources import EVENT_UID
from app.portal.dates import in_japan
from app.portal.file import file_of
from app.portal.gate import Visit, view
from app.portal.items import item
from app.portal.page import Page
from app.portal.people import Someone, body_of
from app.portal.sites import Sites, read_sites
from app.portal.studies.shown import shown_quantity
from app.portal.studies.sums import ADDED, SUMS, component_sums, totals
from app.portal.timeline import read_person
from app.records.query import read_query
from dicom.reports.dose import Quantity
from fhir.search.run import search
from fhir.store.stored import Stored

MOST_REPORTS = 1_000
"""Dose reports of a person that are listed, the newest."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """A dose report of a person."""

    day: str
    custodian: int
    title: str
    """Of its study."""
    page: str
    """Of its study, or an empty text."""
    sums: Mapping[str, Quantity]
    """By the names of `SUMS`."""
    events: frozenset[str] = frozenset()
    """UIDs of the irradiations that it counts, as far as it names them."""

    def shown(self, name: str) -> str:
        """Return one of its sums as a text."""
        return shown_quantity(self.sums.get(name))


async def exposures(visit: Visit, patient_id: str) -> list[Exposure]:
    """Return the dose reports of a person that exist for the caller, the newest first; copies are listed once."""
    record = visit.fhir.record
    pairs = [("patient", patient_id), ("code", "http://loinc.org|73569-6"), ("_sort", "-date")]
    query = read_query(visit.hub, "Observation", pairs)
    page = await search(record.connection, record.visibility, query, patient_keys, limit=MOST_REPORTS)
    record.disclosed += page.matches
    bodies = [(one, body_of(one)) for one in page.matches]
    studies = await _studies(visit, [body for _, body in bodies])
    found: dict[str, Exposure] = {}
    for one, body in bodies:
        if body.get("status") in ("entered-in-error", "cancelled"):
            continue
        found.setdefault(_name(one, body), _exposure(one, body, studies))
    return _uncounted(list(found.values()))


def _uncounted(found: list[Exposure]) -> list[Exposure]:
    """Return reports without those whose irradiations another counts too: it was sent again, with more perhaps."""

    def size(one: Exposure) -> tuple[int, Decimal]:
        return len(one.events), one.sums["events"].value if "events" in one.sums else Decimal(0)

    kept: dict[int, Exposure] = {}
    for number, one in sorted(enumerate(found), key=lambda each: size(each[1]), reverse=True):
        if not one.events or not any(one.events <= other.events for other in kept.values()):
            kept[number] = one
    return [kept[number] for number in sorted(kept)]


def _name(one: Stored, body: Mapping[str, Any]) -> str:
    """Return what the copies of a dose report have in common: the name of its instance; of another, it is one alone."""
    names = [str(each.get("value", "")) for each in body.get("identifier", ()) if each.get("system") == DICOM_UID]
    return names[0] if names else f"{one.row}"


def _part_of(body: Mapping[str, Any]) -> str:
    return next((str(one.get("reference", "")) for one in body.get("partOf", ())), "")


async def _studies(visit: Visit, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Stored]:
    """Return the ImagingStudies that Observations are part of, by their references; they count as disclosed."""
    links = [link for link in dict.fromkeys(map(_part_of, bodies)) if link.startswith("ImagingStudy/")]
    found = await visit.fhir.record.named([("ImagingStudy", link.partition("/")[2]) for link in links])
    visit.fhir.record.disclosed += found
    return {f"{one.type}/{one.id}": one for one in found}


def _exposure(one: Stored, body: Mapping[str, Any], studies: Mapping[str, Stored]) -> Exposure:
    study = studies.get(_part_of(body))
    line = item(study) if study is not None else None
    uid = study_uid(line.body) if line is not None else ""
    return Exposure(
        day=in_japan(str(body.get("effectiveDateTime", "")))[0],
        custodian=one.custodian,
        title=line.title if line is not None else "",
        page=f"/studies/{uid}" if uid else "",
        sums=component_sums(body),
        events=frozenset(_event_uids(body)),
    )


def _event_uids(body: Mapping[str, Any]) -> Iterable[str]:
    for one in body.get("component", ()):
        if "valueString" in one and any(each.get("code") == EVENT_UID.value for each in one["code"].get("coding", ())):
            yield str(one["valueString"])


async def _read(visit: Visit, request: Request) -> tuple[Sequence[Someone], list[Exposure]]:
    person = await read_person(visit, request.path_params["id"], dated=False)
    return person.someones, await exposures(visit, request.path_params["id"])


async def patient_doses(request: Request) -> Response:
    """Show the doses of a person over all sites."""

    async def work(visit: Visit) -> Page:
        people, found = await _read(visit, request)
        by_year: dict[str, list[Exposure]] = {}
        for one in found:
            by_year.setdefault(one.day[:4], []).append(one)
        values = {
            "people": people,
            "patient_id": request.path_params["id"],
            "sites": await read_sites(visit.hub),
            "exposures": found,
            "columns": [name for name in SUMS if any(name in one.sums for one in found)],
            "totals": totals(one.sums for one in found),
            "years": [(year, totals(one.sums for one in by_year[year])) for year in sorted(by_year, reverse=True)],
            "added": [name for name in ADDED if any(name in one.sums for one in found)],
            "quantity": shown_quantity,
        }
        return Page("doses.html", values)

    return await view(request, "timeline", work, interaction="read", action="R")


async def patient_doses_csv(request: Request) -> Response:
    """Answer the same as a file."""

    async def work(visit: Visit) -> Response:
        _, found = await _read(visit, request)
        return file_of("doses", _csv(found, await read_sites(visit.hub)))

    return await view(request, "timeline", work, interaction="read", action="R")


def _csv(found: Iterable[Exposure], sites: Sites) -> str:
    head = ["date", "site", "study", *(f"{name}{part}" for name in SUMS for part in ("", " (unit)"))]
    lines: list[list[str]] = []
    for one in found:
        cells = [(f"{each.value:f}", each.unit) if (each := one.sums.get(name)) else ("", "") for name in SUMS]
        lines.append([one.day, sites.title(one.custodian), one.title, *(part for cell in cells for part in cell)])
    return comma_separated(lines, head)
