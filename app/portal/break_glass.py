"""Breaking the glass for a person, and ending it: who does it says why, and proves once more to be the one."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.access import epoch, passkeys
from app.access.factors import PASSKEY, held
from app.access.step_up import shown, step_up_binding, why_not
from app.access.tokens import digest
from app.consent.break_glass import reasons
from app.consent.break_glass.begin import Breaking, begin, event_of
from app.consent.break_glass.end import end
from app.consent.break_glass.who import check_may_break
from app.portal.forms import exactly, number, one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page
from app.portal.sites import read_sites
from app.portal.timeline import Person, read_person
from app.records.record import StaleCaller
from fhir.errors import InvalidValue

PATH = "/break-glass"


def _binding(visit: Visit) -> str:
    return step_up_binding(visit.secret, "break-glass")


async def _page(visit: Visit, person: Person, patient_id: str, *, problem: str = "") -> Page:
    hub, now = visit.hub, visit.fhir.now
    found = await held(hub.database.reader, visit.caller.account, now)
    options = ""
    if passkeys.party(hub.settings)[0] and any(one.kind == PASSKEY for one in found):
        options = passkeys.asked_to_prove(hub.settings, hub.audit.keys, _binding(visit), now, held=found)
    values: dict[str, Any] = {
        "people": person.someones,
        "who": person.someones[0],
        "patient_id": patient_id,
        "sites": await read_sites(hub),
        "own": visit.caller.organisation,
        "codes": reasons.CODES,
        "shortest": reasons.SHORTEST,
        "longest": reasons.LONGEST,
        "minutes": hub.settings.break_glass_minutes,
        "labels": hub.settings.break_glass_labels,
        "form": visit.form,
        "passkey": options,
        "problem": problem,
        "is_open": any(case.patient == patient_id for case in visit.caller.glass),
    }
    return Page("break_glass.html", values, 400 if problem else 200)


async def break_glass(request: Request) -> Response:
    """Show the form for a person who exists for the caller."""

    async def work(visit: Visit) -> Page:
        await check_may_break(visit.hub.database.reader, visit.hub.settings, visit.caller)
        patient_id = request.query_params.get("patient", "")
        return await _page(visit, await read_person(visit, patient_id, dated=False), patient_id)

    return await view(request, "break-glass", work)


async def _broken(visit: Visit, patient_id: str) -> str:
    """Break the glass and return what is wrong instead, empty when nothing is.

    Raises:
        StaleCaller: rights have changed meanwhile; nothing was done.
    """
    hub, caller, form = visit.hub, visit.caller, visit.form
    try:
        code, reason = reasons.checked(one(form, "code"), one(form, "reason"))
    except InvalidValue as error:
        return error.expression or "reason"
    patient = await visit.fhir.record.read("Patient", patient_id)
    what = await shown(hub, caller, password=exactly(form, "password"), passkey=exactly(form, "credential"))
    network, now = visit.fhir.network, hub.clock()
    async with hub.database.write() as connection:
        if await epoch.current(connection) != caller.epoch:
            raise StaleCaller
        await check_may_break(connection, hub.settings, caller)
        refusal = await why_not(hub, connection, what, binding=_binding(visit), now=now)
        if refusal:
            # What was counted as a wrong guess stays, and so does the record of it.
            told = event_of(hub, caller, network=network, path=PATH, outcome="8", outcome_desc=refusal)
            about = told._replace(patient=f"Patient/{patient.id}", patient_key=patient.patient_key)
            await hub.audit.stage(connection, [about])
        else:
            breaking = Breaking(caller, digest(visit.secret), patient, code, reason)
            await begin(hub, connection, breaking, network=network, path=PATH)
    visit.fhir.recorded = True
    return "proof" if refusal else ""


async def do_break_glass(request: Request) -> Response:
    """Open the records of a person, after the reason and the proof."""

    async def work(visit: Visit) -> Page | Response:
        patient_id = one(visit.form, "patient")
        await check_may_break(visit.hub.database.reader, visit.hub.settings, visit.caller)
        problem = await _broken(visit, patient_id)
        if problem:
            # The page shows who it is again, which is recorded beside the refusal.
            visit.fhir.recorded = False
            person = await read_person(visit, patient_id, dated=False)
            return await _page(visit, person, patient_id, problem=problem)
        return moved(f"/patients/{patient_id}")

    return await view(request, "break-glass", work)


async def end_break_glass(request: Request) -> Response:
    """End a case: one's own, or for the secretariat any."""

    async def work(visit: Visit) -> Response:
        key = number(one(visit.form, "case"), digits=19)
        await end(visit.hub, visit.caller, key, network=visit.fhir.network, path=f"{PATH}/end")
        visit.fhir.recorded = True
        return moved(f"/break-glass/cases/{key}?done=ended")

    return await view(request, "", work, interaction="break-glass-ended")
