"""The page of results: all sites' results as one table, a series a row; and one series by itself, however long ago.

`/patients/{id}?view=results`, and with `&series=KEY` one of its rows.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from app.identity.scope import patient_keys
from app.portal import chart
from app.portal.gate import Visit, view
from app.portal.items import Item, item
from app.portal.page import Page, address_with
from app.portal.patients import today
from app.portal.people import Someone, someone
from app.portal.ranges import Subject
from app.portal.results import flow_sheet
from app.portal.series.bindings import read_bindings
from app.portal.series.chart import LARGE
from app.portal.series.codes import Bindings, analyte_of, codings
from app.portal.sites import read_sites
from app.portal.timeline import place_before, subject_of, timeline
from app.records.query import read_query
from fhir.errors import NotFound
from fhir.search.run import search
from fhir.search.values import escape
from fhir.store.stored import Stored

MOST_PATIENTS = 100
MOST_RESULTS = 1_500
"""Observations of one page; the next page goes on from there."""

MOST_OF_SERIES = 1_000
"""Results of one series."""

MOST_CODES = 50


async def _patients(visit: Visit, patient_id: str) -> list[Someone]:
    """Return the Patients of a person, the caller's own site's first.

    Raises:
        NotFound: the one that is asked for does not exist for the caller.
    """
    part = await visit.fhir.record.everything(patient_id, ("Patient",), limit=MOST_PATIENTS)
    found = [someone(one, today(visit)) for one in part.resources]
    if not any(one.id == patient_id for one in found):
        raise NotFound("There is no such patient")
    own = visit.caller.organisation
    return sorted(found, key=lambda one: (one.custodian != own, one.id != patient_id))


def _items(stored: Sequence[Stored], who: Subject) -> list[Item]:
    return chart.unrepeated(made for one in stored if (made := item(one, who)) is not None)


async def _of_series(
    visit: Visit, patient_id: str, items: Sequence[Item], bindings: Bindings, key: str
) -> list[Stored]:
    """Return the results of all time whose codes are those of a series on the page."""
    members = [one for one in items if analyte_of(one, bindings).key == key]
    codes = list(dict.fromkeys(f"{escape(system)}|{escape(code)}" for one in members for system, code in codings(one)))
    if not codes:
        return []
    pairs = [("patient", patient_id), ("code", ",".join(codes[:MOST_CODES])), ("_sort", "-date"), ("_total", "none")]
    query = read_query(visit.hub, "Observation", pairs)
    record = visit.fhir.record
    page = await search(record.connection, record.visibility, query, patient_keys, limit=MOST_OF_SERIES)
    record.disclosed += page.matches
    return list(page.matches)


def _custodians(items: Sequence[Item]) -> list[int]:
    return sorted({one.custodian for one in items})


def _one(items: Sequence[Item], who: Subject, bindings: Bindings, key: str) -> dict[str, Any]:
    """Return what the page of a series shows: a row for each unit that it has, its results with the newest first."""
    members = [one for one in items if analyte_of(one, bindings).key == key]
    series = []
    for row in flow_sheet(members, who, bindings, LARGE).rows:
        days = sorted(row.cells, reverse=True)
        series.append({"row": row, "results": [(day, cell) for day in days for cell in reversed(row.cells[day])]})
    return {"series": series, "custodians": _custodians(members)}


def _tables(items: Sequence[Item], who: Subject, bindings: Bindings) -> dict[str, Any]:
    """Return what the page of all results shows: laboratory results, and vital signs."""
    kinds = {"laboratory": "laboratory", "vitals": "vital"}
    tables = {
        name: flow_sheet([one for one in items if one.kind == kind], who, bindings) for name, kind in kinds.items()
    }
    return {**tables, "custodians": _custodians(items)}


async def results(request: Request) -> Response:
    """Show the results of all sites as one table, or one series."""
    patient_id: str = request.path_params["id"]
    key = request.query_params.get("series", "")

    async def work(visit: Visit) -> Page:
        patients = await _patients(visit, patient_id)
        who = subject_of(patients)
        part = await visit.fhir.record.everything(
            patient_id, ("Observation",), limit=MOST_RESULTS, before=place_before(visit)
        )
        items = _items(part.resources, who)
        bindings = await read_bindings(visit, items)
        values = {
            "patient_id": patient_id,
            "people": patients,
            "who": patients[0],
            "own": visit.caller.organisation,
            "sites": await read_sites(visit.hub),
            "timeline_address": request.url.path,
            "results_address": f"{request.url.path}?view=results",
            "series_address": lambda one: f"{request.url.path}?{urlencode({'view': 'results', 'series': one})}",
        }
        if key:
            more = await _of_series(visit, patient_id, items, bindings, key)
            known = {(one.type, one.id) for one in part.resources}
            whole = _items([*part.resources, *(one for one in more if (one.type, one.id) not in known)], who)
            return Page("series.html", values | _one(whole, who, bindings, key))
        after = f"{part.after[0]}_{part.after[1]}" if part.after else None
        older = address_with(request, before=after) if after else None
        return Page("results.html", values | _tables(items, who, bindings) | {"older": older})

    return await view(request, "timeline", work)


async def person_page(request: Request) -> Response:
    """Show a person's timeline, or with `?view=results` the results of all sites."""
    return await (results if request.query_params.get("view") == "results" else timeline)(request)
