"""The consent desk: what a person has decided, recording a decision, and withdrawing one.

What it writes is a FHIR Consent through the write gate, so that it compiles to grants in the same transaction.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.clock import instant
from app.consent.scan import SCAN_BYTES, scan_resources
from app.entries.keep import settling
from app.portal.confirm import Shown, ask, is_confirmed, responsible_of, said
from app.portal.consent_confirm import shown
from app.portal.consent_form import CATEGORIES, LABELS, RELATIONS, Incomplete, consent_of
from app.portal.finding import criteria
from app.portal.forms import one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page
from app.portal.patients import MOST_FOUND, by_person, search, today
from app.portal.people import Someone, body_of
from app.portal.sites import Sites, read_sites
from app.portal.timeline import Person, read_person
from app.records.commit import committed
from app.records.prepare import Prepared, prepare
from app.records.row_ids import new_id
from app.records.writing import Writing
from fhir.errors import Conflict, Forbidden, InvalidValue, NotFound, Unprocessable
from fhir.issue import Issue
from fhir.members import members
from fhir.store.categories import Category
from fhir.store.stored import Stored


def _writable(visit: Visit, person: Person) -> Someone | None:
    """Return the Patient that a Consent of this caller is recorded for: one of the own site's, if there is one."""
    if visit.fhir.authority.any_patient:
        return person.someones[0]
    own = [who for who in person.someones if who.custodian == visit.caller.organisation]
    return own[0] if own else None


def _show(visit: Visit, person: Person, sites: Sites, *, problem: str = "", status: int = 200) -> Page:
    day = today(visit)
    held = [consent for consent in person.consents if consent.holds_on(day)]
    waiting = [consent for consent in person.consents if consent.active and consent.start[:10] > day.isoformat()]
    past = [consent for consent in person.consents if consent not in held and consent not in waiting]
    values: dict[str, Any] = {
        "who": person.someones[0],
        "people": person.someones,
        "patient_id": person.someones[0].id,
        "writable": _writable(visit, person),
        "held": held,
        "waiting": waiting,
        "past": past,
        "sites": sites,
        "own": visit.caller.organisation,
        "categories": CATEGORIES,
        "labels": LABELS,
        "relations": RELATIONS,
        "form": visit.form,
        "problem": problem,
        "done": visit.web.query_params.get("done", ""),
        "today": day.isoformat(),
        "may_read": visit.caller.role != "secretariat",
    }
    return Page("consents.html", values, status)


async def _find(visit: Visit) -> Page:
    """Return the page on which the desk looks for the person."""
    typed = visit.web.query_params.get("q", "").strip()[:200]
    matches: Sequence[Stored] = ()
    if typed:
        matches, _ = await search(visit, criteria(typed))
    found = await by_person(visit, matches)
    values = {"q": typed, "found": found, "sites": await read_sites(visit.hub), "most": MOST_FOUND}
    return Page("consents_find.html", values)


def _scanned(visit: Visit, patient: str) -> tuple[list[tuple[Prepared, int, str]], str]:
    """Return what keeps the scan that came with the form, ready to be written, and the reference of its document.

    Raises:
        Incomplete: it is no scan.
    """
    scan = visit.files.get("scan")
    if scan is None:
        return [], ""
    ids = [new_id(visit.hub) for _ in range(2)]
    (_, document_id), (_, binary_id) = ids
    try:
        made = scan_resources(
            scan,
            patient=f"Patient/{patient}",
            organization=visit.caller.organisation_reference,
            document_id=document_id,
            binary_id=binary_id,
            now=instant(visit.fhir.now),
        )
    except InvalidValue as error:
        raise Incomplete(error.diagnostics, "scan") from error
    # Who records consents keeps what was signed, and no other document.
    visit.fhir.let_write(Category.DOCUMENT)
    prepared = [prepare(orjson.dumps(one), visit.fhir.authority) for one in made]
    return [(one, *id_) for one, id_ in zip(prepared, ids, strict=True)], f"DocumentReference/{document_id}"


async def _record(visit: Visit, patient_id: str) -> Page | Response:
    person = await read_person(visit, patient_id, dated=False)
    sites = await read_sites(visit.hub)
    patient = _writable(visit, person)
    if patient is None:
        raise Forbidden("A consent is recorded by a site that knows the patient")
    try:
        scans, source = _scanned(visit, patient.id)
        consent = consent_of(
            visit.form,
            patient_id=patient.id,
            recorder=visit.caller.organisation_reference,
            care=sites.care,
            now=instant(visit.fhir.now),
            source=source,
        )
        about = shown(visit, consent, patient, sites, patient_id=patient_id)
        if not is_confirmed(visit, about):
            return await ask(visit, about)
        await _keep(visit, about, patient.id)
        await _write(visit, consent, scans)
    except Incomplete as problem:
        return _show(visit, person, sites, problem=problem.expression or "form", status=400)
    return moved(f"/consents?patient={patient_id}&done=recorded")


async def _keep(visit: Visit, about: Shown, patient_id: str) -> None:
    """Let the transaction of the Consent keep who entered it, and for whom.

    Raises:
        Incomplete: it is entered for nobody who may.
    """
    try:
        responsible = await responsible_of(visit, about.page)
    except InvalidValue as error:
        raise Incomplete(error.diagnostics, "form") from error
    visit.fhir.settle = settling(
        *(visit.hub, visit.caller, about.kind, said(visit, about)), patient=patient_id, responsible=responsible
    )


async def _write(visit: Visit, consent: dict[str, Any], scans: list[tuple[Prepared, int, str]]) -> None:
    """Write a Consent and the scan that it names.

    Raises:
        Incomplete: it names a person whom the hub does not know.
    """
    prepared = prepare(orjson.dumps(consent), visit.fhir.authority, type_name="Consent")
    visit.fhir.interaction, visit.fhir.action = "create", "C"

    async def work(writing: Writing) -> Stored:
        for scan, row, id_ in scans:
            await writing.create(scan, row=row, id_=id_)
        row, id_ = new_id(visit.hub)
        return await writing.create(prepared, row=row, id_=id_)

    try:
        await committed(visit.fhir, work)
    except Unprocessable as error:
        if any(".actor[" in one.expression for one in error.issues if isinstance(one, Issue)):
            raise Incomplete("The hub knows no such person", "person") from error
        raise


def withdrawn(body: bytes) -> bytes:
    """Return the body of a Consent with the status `inactive`; every other byte stays as it is."""
    for member in members(body):
        if member.key == "status":
            return body[: member.start] + b'"inactive"' + body[member.end :]
    raise NotFound("The Consent has no status")


async def _withdraw(visit: Visit, patient_id: str, consent_id: str) -> Page | Response:
    stored = await visit.fhir.record.read("Consent", consent_id)
    if stored.custodian != visit.caller.organisation:
        raise Forbidden("The Consent was recorded at another site")
    person = await read_person(visit, patient_id, dated=False)
    about = shown(
        *(visit, body_of(stored), person.someones[0], await read_sites(visit.hub)),
        patient_id=patient_id,
        withdrawal=True,
    )
    if not is_confirmed(visit, about):
        return await ask(visit, about)
    await _keep(visit, about, person.someones[0].id)
    prepared = prepare(withdrawn(stored.body), visit.fhir.authority, type_name="Consent", id_=consent_id)
    visit.fhir.interaction, visit.fhir.action = "update", "U"

    async def work(writing: Writing) -> Stored:
        written = await writing.update(prepared, consent_id)
        if written.version != stored.version + 1:
            raise Conflict("The Consent was changed after it was shown")
        return written

    await committed(visit.fhir, work)
    return moved(f"/consents?patient={patient_id}&done=withdrawn")


async def consents(request: Request) -> Response:
    """Show a person's consents, or the search for a person."""

    async def work(visit: Visit) -> Page:
        patient_id = request.query_params.get("patient", "")
        if not patient_id:
            return await _find(visit)
        person = await read_person(visit, patient_id, dated=False)
        return _show(visit, person, await read_sites(visit.hub))

    return await view(request, "consents", work)


async def record(request: Request) -> Response:
    """Record a consent, or withdraw the one that the form names."""

    async def work(visit: Visit) -> Page | Response:
        patient_id = one(visit.form, "patient")
        if withdraw := one(visit.form, "withdraw"):
            return await _withdraw(visit, patient_id, withdraw)
        return await _record(visit, patient_id)

    return await view(request, "consents", work, file_bytes=SCAN_BYTES)
