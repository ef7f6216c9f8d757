"""A person's own log: on the screen for the person, and as a sheet that the secretariat prints at the counter.

https://c2sp.org/tlog-proof: each record comes with the proof that it is in the log, which is checked without the hub.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.audit.desk.asked import asked_of
from app.audit.desk.kinds import FINDING
from app.audit.desk.own_log import Known, OwnLog, archive, own_log, patients_of, proven
from app.audit.desk.whose_account import accounts_of, link, patient_of
from app.audit.record import Event
from app.clock import instant
from app.consent.third_party import cell
from app.portal.dates import moment
from app.portal.desk.log import number_of, titles_of
from app.portal.finding import criteria
from app.portal.forms import one
from app.portal.gate import Visit, moved, view
from app.portal.language import language_of, words
from app.portal.page import HEADERS, Page, address_with
from app.portal.patients import MOST_FOUND, by_person, search, today
from app.portal.people import Someone, someone
from app.portal.reviewer import reviewer_of
from app.portal.sites import Sites, read_sites
from app.records.events import common
from fhir.errors import InvalidValue

ENTRIES = 100
"""Records on a page, and in a file: each has its proof."""

COLUMNS = ("record", "when", "who", "role", "organisation", "what", "records_of", "purpose", "outcome")


def what_of(event: Event) -> str:
    """Return the text that says what was done, in words for whom it was done to."""
    if event.interaction == "search-type" and event.path:
        if event.path in FINDING:
            return "own_log.found"
        if event.path.startswith("/patients/"):
            return "own_log.opened"
    return f"interaction.{event.interaction}"


def to_csv(visit: Visit, found: OwnLog, sites: Sites) -> str:
    """Return the lines of the sheet as CSV (RFC 4180), in the language of the page."""
    titles, t = titles_of(sites), words(language_of(visit.web))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for line in found.lines:
        event = line.event
        cells = (
            *("" if line.leaf is None else line.leaf, instant(event.recorded), event.user_name or event.client or ""),
            *(t.maybe(f"role.{event.role}", event.role or ""), titles.get(event.organisation or "", "")),
            *(t.maybe(what_of(event), event.interaction), titles.get(event.custodian or "", "")),
            *(t.maybe(f"purpose.{event.purpose}", event.purpose or ""), event.outcome),
        )
        writer.writerow([cell(str(text)) for text in cells])
    return out.getvalue()


async def _record(visit: Visit, patients: Sequence[Known]) -> None:
    """Put on record that the log of each of the person's Patients was used, before it is shown."""
    said = Event(**common(visit.fhir, 200))._replace(interaction="audit-log-used", action="R")
    events = []
    for patient in patients:
        custodian = await visit.hub.organisation_reference(patient.custodian)
        events.append(said._replace(patient=patient.reference, patient_key=patient.key, custodian=custodian))
    await visit.hub.audit.append(events or [said])
    visit.fhir.recorded = True


async def _show(visit: Visit, patient_key: int, who: Someone | None, *, problem: str = "") -> Page | Response:
    parameters, reader, sites = visit.web.query_params, visit.hub.database.reader, await read_sites(visit.hub)
    fields = {name: parameters.get(name, "").strip()[:100] for name in ("from", "to")}
    asked, before = asked_of(fields), parameters.get("before", "")
    patients = await patients_of(reader, patient_key)
    found = await own_log(
        *(reader, reviewer_of(visit), patients),
        now=visit.fhir.now,
        limit=ENTRIES,
        before=number_of(before) or None,
        begins=asked.begins,
        ends=asked.ends,
    )
    await _record(visit, patients)
    if parameters.get("format") == "zip":
        headers = {**HEADERS, "content-disposition": 'attachment; filename="own-log.zip"'}
        body = archive(await proven(reader, found.lines), to_csv(visit, found, sites))
        return Response(body, 200, headers, "application/zip")
    with_proofs = parameters.get("proofs") == "1"
    values: dict[str, Any] = {
        "who": who,
        "asked": fields,
        "lines": found.lines,
        "proofs": await proven(reader, found.lines) if with_proofs else (),
        "with_proofs": address_with(visit.web, proofs=None if with_proofs else "1"),
        "file": address_with(visit.web, format="zip", proofs=None),
        "older": address_with(visit.web, before=str(found.before)) if found.before else None,
        "newest": address_with(visit.web, before=None) if before else None,
        "accounts": await accounts_of(reader, patient_key) if who else (),
        "titles": titles_of(sites),
        "what_of": what_of,
        "origin": visit.hub.settings.audit_origin,
        "now": visit.fhir.now,
        "moment": moment,
        "problem": problem,
        "done": parameters.get("done", ""),
    }
    return Page("own_log.html", values, 400 if problem else 200)


async def _find(visit: Visit) -> Page:
    """Return the page on which the secretariat looks for the person at the counter."""
    typed = visit.web.query_params.get("q", "").strip()[:200]
    if typed:
        visit.hub.limits.person_search(visit.caller)
    matches = (await search(visit, criteria(typed)))[0] if typed else ()
    found = await by_person(visit, matches)
    values: Mapping[str, Any] = {"q": typed, "found": found, "sites": await read_sites(visit.hub), "most": MOST_FOUND}
    return Page("own_log_find.html", values)


async def log_of_oneself(request: Request) -> Response:
    """Show a person who has looked at the own records; the secretariat looks for the person first."""

    async def work(visit: Visit) -> Page | Response:
        if visit.caller.role != "patient":
            return await _find(visit)
        key = await patient_of(visit.hub.database.reader, visit.caller.account)
        if key is None:
            return Page("own_log_unknown.html")
        return await _show(visit, key, None)

    return await view(request, "own-log", work, interaction="audit-log-used", action="R")


async def log_at_counter(request: Request) -> Response:
    """Show the log of a person who has asked for it at the counter."""

    async def work(visit: Visit) -> Page | Response:
        patient = await visit.fhir.record.read("Patient", request.path_params["id"])
        return await _show(visit, patient.patient_key, someone(patient, today(visit)))

    return await view(request, "own-log-counter", work, interaction="audit-log-used", action="R")


async def link_account(request: Request) -> Response:
    """Say whose person a patient's account is, or take it back."""

    async def work(visit: Visit) -> Page | Response:
        patient = await visit.fhir.record.read("Patient", request.path_params["id"])
        path = f"/own-log/{patient.id}"
        try:
            await link(
                *(visit.hub, visit.caller, one(visit.form, "account"), f"Patient/{patient.id}", patient.patient_key),
                take=one(visit.form, "act") == "unlink",
                network=visit.fhir.network,
                path=path,
            )
        except InvalidValue:
            return await _show(visit, patient.patient_key, someone(patient, today(visit)), problem="account")
        visit.fhir.recorded = True
        return moved(f"{path}?done=linked")

    return await view(request, "own-log-counter", work, interaction="account")
