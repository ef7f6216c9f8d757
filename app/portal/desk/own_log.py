"""A person's own log: on the screen for the person, and as a sheet that the secretariat prints at the counter.

https://c2sp.org/tlog-proof: each record comes with the proof that it is in the log, which is checked without the hub.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.audit.desk.asked import Asked, asked_of
from app.audit.desk.kinds import is_finding
from app.audit.desk.own_log import Known, Line, OwnLog, archive, own_log, patients_of, proven
from app.audit.desk.whose_account import accounts_of, link, patient_of
from app.audit.record import Event
from app.clock import in_japan
from app.comma import comma_separated
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
from fhir.store.stored import Stored

ENTRIES = 100
"""Records on a page, and in a file: each has its proof."""

SHEET = 1_000
"""Records of a sheet without proofs at the counter: paper has no next page to go to."""

COLUMNS = ("record", "when", "who", "role", "organisation", "what", "records_of", "purpose", "outcome")


def what_of(event: Event) -> str:
    """Return the text that says what was done, in words for whom it was done to."""
    if event.interaction == "search-type" and event.path:
        if is_finding(event):
            return "own_log.found"
        if event.path.startswith("/patients/"):
            return "own_log.opened"
    return f"interaction.{event.interaction}"


def to_csv(visit: Visit, found: OwnLog, sites: Sites) -> str:
    """Return the lines of the sheet as CSV (RFC 4180), in the language of the page."""
    titles, t = titles_of(sites), words(language_of(visit.web))

    def cells(line: Line) -> tuple[object, ...]:
        event = line.event
        # Once the details are erased, HMACs stand where names were: they say nothing to the patient.
        who = t("audit.erased") if event.erased else event.user_name or event.client or ""
        return (
            *(line.leaf, in_japan(event.recorded), who),
            *(t.maybe(f"role.{event.role}", event.role or ""), titles.get(event.organisation or "", "")),
            *(t.maybe(what_of(event), event.interaction), titles.get(event.custodian or "", "")),
            *(t.maybe(f"purpose.{event.purpose}", event.purpose or ""), event.outcome),
        )

    return comma_separated(map(cells, found.lines), COLUMNS)


async def record_use(visit: Visit, patients: Sequence[Known], *, interaction: str = "audit-log-used") -> None:
    """Put on record that the log of each of the person's Patients was used, before it is shown."""
    said = Event(**common(visit.fhir, 200))._replace(interaction=interaction, action="R")
    events = []
    for patient in patients:
        custodian = await visit.hub.organisation_reference(patient.custodian)
        events.append(said._replace(patient=patient.reference, patient_key=patient.key, custodian=custodian))
    await visit.hub.audit.append(events or [said])
    visit.fhir.recorded = True


async def patients_of_oneself(visit: Visit) -> Sequence[Known]:
    """Return the Patients of the person whose account asks; none as long as nobody has said who that is."""
    reader = visit.hub.database.reader
    key = await patient_of(reader, visit.caller.account)
    return () if key is None else await patients_of(reader, key, to_patient=True)


def _period(visit: Visit, asked: Asked, *, is_part: bool) -> Sequence[str]:
    """Return what a sheet says of itself: of which days it is, and whether it is all of the list."""
    t, now = words(language_of(visit.web)), visit.fhir.now
    since = f"{moment(asked.begins):%Y-%m-%d}" if asked.begins else t("own_log.beginning")
    until = f"{moment(asked.ends - 1):%Y-%m-%d}" if asked.ends <= now else f"{moment(now):%Y-%m-%d %H:%M}"
    return t("own_log.period", since=since, until=until), *((t("own_log.part"),) if is_part else ())


async def _show(
    visit: Visit, patients: Sequence[Known], who: Someone | None, *, accounts: Sequence[str] = (), problem: str = ""
) -> Page | Response:
    parameters, reader, sites = visit.web.query_params, visit.hub.database.reader, await read_sites(visit.hub)
    fields = {name: parameters.get(name, "").strip()[:100] for name in ("from", "to")}
    asked, before = asked_of(fields), parameters.get("before", "")
    with_proofs, as_file = parameters.get("proofs") == "1", parameters.get("format") == "zip"
    found = await own_log(
        *(reader, reviewer_of(visit), patients),
        now=visit.fhir.now,
        limit=SHEET if who and not with_proofs and not as_file else ENTRIES,
        before=number_of(before) or None,
        begins=asked.begins,
        ends=asked.ends,
    )
    await record_use(visit, patients)
    period = _period(visit, asked, is_part=bool(before or found.before))
    if as_file:
        headers = {**HEADERS, "content-disposition": 'attachment; filename="own-log.zip"'}
        body = archive(await proven(reader, found.lines), to_csv(visit, found, sites), "\n".join(period))
        return Response(body, 200, headers, "application/zip")
    values: dict[str, Any] = {
        "who": who,
        "asked": fields,
        "lines": found.lines,
        "period": period,
        "withheld": not patients,
        "proofs": await proven(reader, found.lines) if with_proofs else (),
        "with_proofs": address_with(visit.web, proofs=None if with_proofs else "1"),
        "file": address_with(visit.web, format="zip", proofs=None),
        "older": address_with(visit.web, before=str(found.before)) if found.before else None,
        "newest": address_with(visit.web, before=None) if before else None,
        "accounts": accounts,
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
        patients = await patients_of_oneself(visit)
        return await _show(visit, patients, None) if patients else Page("own_log_unknown.html")

    return await view(request, "own-log", work, interaction="audit-log-used", action="R")


async def _at_counter(visit: Visit, patient: Stored, *, problem: str = "") -> Page | Response:
    """Return the sheet that is handed to a person: what the own account would show, and the accounts linked."""
    reader, key = visit.hub.database.reader, patient.patient_key
    accounts = await accounts_of(reader, await patients_of(reader, key))
    shown = await patients_of(reader, key, to_patient=True)
    return await _show(visit, shown, someone(patient, today(visit)), accounts=accounts, problem=problem)


async def log_at_counter(request: Request) -> Response:
    """Show the log of a person who has asked for it at the counter."""

    async def work(visit: Visit) -> Page | Response:
        patient = await visit.fhir.record.read("Patient", request.path_params["id"])
        return await _at_counter(visit, patient)

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
            return await _at_counter(visit, patient, problem="account")
        visit.fhir.recorded = True
        return moved(f"{path}?done=linked")

    return await view(request, "own-log-counter", work, interaction="account")
