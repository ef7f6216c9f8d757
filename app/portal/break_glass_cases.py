"""The cases of break-glass: what one was told of, what waits for a verdict, and each month's list."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.consent.break_glass.begin import patients_of
from app.consent.break_glass.cases import EVERY_CASE, Listed, Told, found, listed, remarks
from app.consent.break_glass.end import may_end
from app.consent.break_glass.monthly import month_of, to_csv
from app.consent.break_glass.read_records import Read, records_read
from app.consent.break_glass.review import LONGEST, VERDICTS, act, may_answer, may_review, see
from app.db import WriteConnection
from app.entries.entry import MYSELF
from app.entries.keep import keep
from app.portal.confirm import Shown, ask, is_confirmed, said
from app.portal.dates import moment
from app.portal.file import file_of
from app.portal.forms import number, one
from app.portal.gate import Visit, moved, view
from app.portal.language import language_of, words
from app.portal.page import Page
from app.portal.reviewer import reviewer_of
from app.portal.sites import read_sites
from fhir.errors import Conflict, InvalidValue, NotFound


def _ordered(visit: Visit, cases: Sequence[Listed]) -> list[Listed]:
    """Return what waits before what is closed, the overdue first."""
    days, now = visit.hub.settings.break_glass_review_days, visit.fhir.now
    return sorted(cases, key=lambda one: (not one.is_overdue(now, days), not one.waits))


async def cases(request: Request) -> Response:
    """Show the cases that the caller sees, or give those of a month as CSV."""

    async def work(visit: Visit) -> Page | Response:
        month = request.query_params.get("month", "")
        begins, ends = month_of(month)
        shown = await listed(visit.hub.database.reader, visit.caller, begins=begins, ends=ends)
        days, now = visit.hub.settings.break_glass_review_days, visit.fhir.now
        if request.query_params.get("format") == "csv":
            return file_of("break-glass", to_csv(shown, now=now, days=days))
        values: dict[str, Any] = {
            "cases": _ordered(visit, shown),
            "month": month,
            "now": now,
            "days": days,
            "own": visit.caller.organisation,
            "sites": await read_sites(visit.hub),
            "done": request.query_params.get("done", ""),
        }
        return Page("break_glass_cases.html", values)

    return await view(request, "break-glass-cases", work, interaction="break-glass-review")


async def _found(visit: Visit) -> Listed:
    key = number(visit.web.path_params["number"], digits=19)
    case = await found(visit.hub.database.reader, visit.caller, key)
    if case is None:
        raise NotFound("There is no such case")
    return case


async def _read(visit: Visit, case: Listed) -> Read:
    """Return what was read: to a site's head what the own site gave, and to the others all."""
    caller, told = visit.caller, case.at(visit.caller.organisation)
    only = caller.organisation_reference if told is not None and told.discloses else ""
    return await records_read(
        *(visit.hub.database.reader, reviewer_of(visit), case.case), now=visit.fhir.now, custodian=only
    )


async def _page(visit: Visit, case: Listed, *, problem: str = "") -> Page:
    caller, now = visit.caller, visit.fhir.now
    at_all = caller.role in EVERY_CASE or case.case.is_of(caller)
    asking = case.case.organisation == caller.organisation
    told = [one for one in case.told if at_all or asking or one.organisation == caller.organisation]
    said = await remarks(visit.hub.database.reader, case.case.number)
    sites = await read_sites(visit.hub)
    known = await patients_of(visit.hub.database.reader, case.case.patient_key)
    own = [one.id for one in known if one.custodian == caller.organisation]
    values: dict[str, Any] = {
        # A site knows the person under its own number.
        "patients": own or [case.case.patient],
        "one": case.case,
        "listed": case,
        "told": told,
        "remarks": {site.organisation: [one for one in said if one.organisation == site.organisation] for site in told},
        "read": await _read(visit, case),
        "reviewed": {one.organisation: may_review(caller, case, one) for one in told},
        "answered": {one.organisation: may_answer(caller, case, one) for one in told},
        "is_open": case.case.is_open(now),
        "may_end": may_end(caller, case.case, now),
        "overdue": case.is_overdue(now, visit.hub.settings.break_glass_review_days),
        "titles": {one.reference: one.title for one in sites.by_key.values()},
        "longest": LONGEST,
        "moment": moment,
        "problem": problem,
        "done": visit.web.query_params.get("done", ""),
    }
    return Page("break_glass_case.html", values, 400 if problem else 200)


async def one_case(request: Request) -> Response:
    """Show a case, what was read in it, and what was said of it; it counts as looked at."""

    async def work(visit: Visit) -> Page:
        case = await _found(visit)
        told = case.at(visit.caller.organisation)
        if told is not None and not told.seen:
            async with visit.hub.database.write() as connection:
                await see(connection, case, visit.caller, visit.hub.clock())
        return await _page(visit, case)

    return await view(request, "break-glass-cases", work, interaction="break-glass-review")


def _verdict(visit: Visit, case: Listed, told: Told) -> Shown | None:
    """Return what is shown before a verdict counts; None for what is none, or cannot be given."""
    act_, remark = one(visit.form, "act"), one(visit.form, "remark")
    if act_ not in VERDICTS or not remark or len(remark) > LONGEST or not may_review(visit.caller, case, told):
        return None
    t = words(language_of(visit.web))
    return Shown(
        kind="break-glass-review",
        facts=[
            ("entries.fact_case", f"{moment(case.case.begun):%Y-%m-%d %H:%M} {case.case.user_title or case.case.user}"),
            ("entries.fact_act", f"{t(f'break_glass.do_{act_}')} ({told.title})"),
            ("entries.fact_remark", remark),
        ],
        back=f"/break-glass/cases/{case.case.number}",
    )


async def _keep(visit: Visit, case: Listed, about: Shown, connection: WriteConnection) -> None:
    """Keep that a verdict was confirmed, in its transaction; nobody gives one for somebody else."""
    where = f"case {case.case.number}"
    await keep(visit.hub, connection, visit.caller, about.kind, where, said(visit, about), responsible=MYSELF)


async def review_case(request: Request) -> Response:
    """Ask, answer, or close a case at a site."""

    async def work(visit: Visit) -> Page | Response:
        case, form = await _found(visit), visit.form
        told = case.at(number(one(form, "site"), digits=9))
        if told is None:
            raise NotFound("There is no such case")
        path = f"/break-glass/cases/{case.case.number}"
        about = _verdict(visit, case, told)
        if about is not None and not is_confirmed(visit, about):
            return await ask(visit, about)
        try:
            await act(
                *(visit.hub, visit.caller, case, told, one(form, "act"), one(form, "remark")),
                network=visit.fhir.network,
                path=path,
                beside=None if about is None else partial(_keep, visit, case, about),
            )
        except InvalidValue as error:
            return await _page(visit, case, problem=error.expression or "act")
        except Conflict:
            return await _page(visit, case, problem="late")
        visit.fhir.recorded = True
        return moved(f"{path}?done=said")

    return await view(request, "break-glass-cases", work, interaction="break-glass-review")
