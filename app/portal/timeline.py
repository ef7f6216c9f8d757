"""A person's page: one timeline over all sites, with a summary that is always whole."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.consent.break_glass.purpose import keys_behind_glass
from app.consent.break_glass.who import may_break
from app.consent.decide import SEES
from app.portal import chart, consent_facts
from app.portal.apps import apps
from app.portal.dates import moment
from app.portal.gate import Visit, view
from app.portal.images import studies
from app.portal.items import KINDS, TYPES, Item, item
from app.portal.page import Page, address_with
from app.portal.patients import today
from app.portal.people import Someone, someone
from app.portal.ranges import Subject
from app.portal.results import flow_sheet
from app.portal.roles import PAGES
from app.portal.series.bindings import read_bindings
from app.portal.series.codes import Bindings
from app.portal.sites import Sites, read_sites
from app.portal.studies.groups import read_groups, without_members
from app.records.documents.sources import stating as bundles_stating
from app.records.record import NEWEST
from fhir.errors import InvalidValue, NotFound

SUMMARY_TYPES = ("Patient", "Condition", "AllergyIntolerance", "Consent")
"""What is read whole, however old: an allergy of long ago must not be on the second page."""

DATED_TYPES = tuple(name for name in TYPES if name not in SUMMARY_TYPES)

MOST_OF_SUMMARY = 2_000
MOST_ON_PAGE = 1_500
"""Resources of one page of the timeline; the next page goes on from there."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_BEFORE = re.compile(r"(-?[0-9]{1,19})_([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class Person:
    """What exists of a person for the caller."""

    someones: Sequence[Someone]
    """The Patients, the caller's own site's first, then the one that was asked for."""
    items: Sequence[Item]
    consents: Sequence[consent_facts.ConsentFacts]
    after: tuple[int, int] | None
    """Where the next page begins."""

    @property
    def custodians(self) -> list[int]:
        """The sites that anything comes from, in the order of their keys."""
        return sorted({one.custodian for one in self.items} | {one.custodian for one in self.someones})


async def read_person(visit: Visit, patient_id: str, *, dated: bool, before: tuple[int, int] = NEWEST) -> Person:
    """Return what exists of a person for the caller.

    Args:
        visit: The request.
        patient_id: The id of one of the person's Patients.
        dated: Whether to read the timeline, or the summary alone.
        before: Where the timeline goes on.

    Raises:
        NotFound: the Patient does not exist for the caller.
    """
    if not _ID.fullmatch(patient_id):
        raise NotFound("There is no such patient")
    summary = await visit.fhir.record.everything(patient_id, SUMMARY_TYPES, limit=MOST_OF_SUMMARY)
    patients = [someone(one, today(visit)) for one in summary.resources if one.type == "Patient"]
    if not any(one.id == patient_id for one in patients):
        raise NotFound("There is no such patient")
    own = visit.caller.organisation
    patients.sort(key=lambda one: (one.custodian != own, one.id != patient_id))
    consents = [one for one in summary.resources if one.type == "Consent"]
    stored = [one for one in summary.resources if one.type in TYPES]
    after = None
    if dated:
        part = await visit.fhir.record.everything(patient_id, DATED_TYPES, limit=MOST_ON_PAGE, before=before)
        stored += part.resources
        after = part.after
    who = subject_of(patients)
    items = chart.unrepeated(made for one in stored if (made := item(one, who)) is not None)
    return Person(patients, items, [consent_facts.facts_of(one) for one in consents], after)


def subject_of(patients: Sequence[Someone]) -> Subject:
    """Return what reference ranges depend on, by the Patients of a person: the first that says it."""
    born = next((one.birth_date for one in patients if len(one.birth_date) == 10), "")
    gender = next((one.gender for one in patients if one.gender in ("male", "female")), "")
    return Subject(gender, born)


def place_before(visit: Visit) -> tuple[int, int]:
    """Return where the part of the record that is asked for begins.

    Raises:
        InvalidValue: `before` is no place.
    """
    text = visit.web.query_params.get("before")
    if text is None:
        return NEWEST
    found = _BEFORE.fullmatch(text)
    if found is None:
        raise InvalidValue("`before` is not a position of this timeline")
    return int(found[1]), int(found[2])


def _toggles(request: Request, name: str, values: Sequence[str]) -> list[tuple[str, bool, str]]:
    """Return each value of a filter, whether it is on, and the address that turns it over."""
    chosen = [one for one in request.query_params.getlist(name) if one in values]
    found = []
    for value in values:
        others = [one for one in chosen if one != value]
        turned = others if value in chosen else [*others, value]
        found.append((value, value in chosen, address_with(request, **{name: turned}, before=None)))
    return found


def _values(visit: Visit, person: Person, sites: Sites, patient_id: str, bindings: Bindings) -> dict[str, Any]:
    request = visit.web
    who = subject_of(person.someones)
    keys = {sites.slug(key): key for key in person.custodians}
    present = [kind for kind in KINDS if any(one.kind == kind for one in person.items)]
    kinds = [one for one in request.query_params.getlist("kind") if one in present]
    chosen = [keys[one] for one in request.query_params.getlist("site") if one in keys]
    results = [one for one in person.items if one.kind == "laboratory"]
    vitals = [one for one in person.items if one.kind == "vital"]
    own = visit.caller.organisation
    after = f"{person.after[0]}_{person.after[1]}" if person.after else None
    shown = chart.filtered(person.items, kinds, chosen)
    return {
        "patient_id": patient_id,
        "people": person.someones,
        "who": person.someones[0],
        "sites": sites,
        "custodians": person.custodians,
        "others": [key for key in person.custodians if key != own],
        "own": own,
        "shown": shown,
        "kind_toggles": _toggles(request, "kind", present),
        "site_toggles": _toggles(request, "site", list(keys)),
        "site_keys": keys,
        "filtered": bool(kinds or chosen),
        "problems": chart.problems(person.items, active=True),
        "past_problems": chart.problems(person.items, active=False),
        "allergies": chart.allergies(person.items),
        "medicines": chart.latest_medicines(person.items),
        "laboratory": flow_sheet(results, who, bindings),
        "vitals": flow_sheet(vitals, who, bindings),
        "studies": studies(person.items),
        "consents": [one for one in person.consents if one.holds_on(today(visit))],
        "consents_ended": bool(person.consents),
        "may_consent": visit.caller.role in PAGES["consents"],
        "sees_all": SEES[visit.caller.role] == SEES["doctor"],
        "older": address_with(request, before=after) if after else None,
        "newest": address_with(request, before=None) if "before" in request.query_params else None,
        "results_address": address_with(request, view="results"),
        "printed": f"{moment(visit.fhir.now):%Y-%m-%d %H:%M}",
    }


async def _sources(visit: Visit, person: Person) -> Mapping[int, Sequence[Item]]:
    """Return the documents on the page that state facts on it, by the rows of these."""
    keys = [one.patient_key for one in person.someones]
    stating = await bundles_stating(visit.fhir.record.connection, keys)
    heads = {bundle: one for one in person.items if one.type == "Composition" for bundle in stating.get(one.row, ())}
    rows = [one.row for one in person.items if one.type != "Composition" and one.row in stating]
    return {row: [heads[bundle] for bundle in sorted(stating[row]) if bundle in heads] for row in rows}


async def _may_break(visit: Visit) -> bool:
    return await may_break(visit.hub.database.reader, visit.hub.settings, visit.caller)


async def _in_glass(visit: Visit, person: Person) -> bool:
    """Return whether a case of break-glass is open for this person."""
    keys = await keys_behind_glass(visit.hub.database.reader, visit.caller)
    return any(one.patient_key in keys for one in person.someones)


async def timeline(request: Request) -> Response:
    """Show a person's timeline."""
    patient_id: str = request.path_params["id"]

    async def work(visit: Visit) -> Page:
        person = await read_person(visit, patient_id, dated=True, before=place_before(visit))
        sites = await read_sites(visit.hub)
        more = {
            "apps": await apps(visit.hub),
            "may_break": await _may_break(visit),
            "sources": await _sources(visit, person),
            "in_glass": await _in_glass(visit, person),
        }
        bindings = await read_bindings(visit, person.items)
        values = _values(visit, person, sites, patient_id, bindings) | more
        groups = await read_groups(visit, patient_id, person.items, values["shown"])
        values |= {"groups": groups, "days": chart.days(without_members(values["shown"], groups))}
        return Page("timeline.html", values)

    return await view(request, "timeline", work)
