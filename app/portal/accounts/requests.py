"""Requests for rights: making one, granting, refusing and confirming."""

from starlette.requests import Request
from starlette.responses import Response

from app.access.directory import AlreadyThere, Unknown, find_organisation
from app.access.enrol import Invalid
from app.access.person_tables import FOR_EVER
from app.access.rights import decide
from app.access.rights.listed import Request as RightRequest
from app.access.rights.listed import request as read_request
from app.access.rights.request import Wish, request_change, request_new
from app.access.rights.rules import ROLES_OF, SEE_ALL, may_confirm, sees
from app.portal.accounts.person import last_day
from app.portal.dates import moment
from app.portal.forms import number, one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page
from app.portal.sites import read_sites
from fhir.errors import NotFound


async def _form(visit: Visit, *, problem: str = "") -> Page:
    """Return the form for a person who has no account."""
    sites = await read_sites(visit.hub)
    every = visit.caller.role in SEE_ALL
    places = [one for one in sites.by_key.values() if every or one.key == visit.caller.organisation]
    roles = list(dict.fromkeys(role for place in places for role in ROLES_OF[place.kind]))
    values = {"places": places, "roles": roles, "problem": problem, "form": visit.form}
    return Page("request_new.html", values, 400 if problem else 200)


async def new_request(request: Request) -> Response:
    """Show the form for a person who has no account."""
    return await view(request, "accounts", _form)


async def make_request(request: Request) -> Response:
    """Request an account, or a change of somebody's rights."""

    async def work(visit: Visit) -> Page | Response:
        form, change = visit.form, one(visit.form, "kind") == "change"
        where = {"network": visit.fhir.network, "path": "/requests"}
        try:
            place = await find_organisation(visit.hub.database.reader, one(form, "organisation"))
            wish = Wish(
                name=one(form, "name"),
                title=one(form, "title"),
                organisation=place,
                role=one(form, "role"),
                head=bool(one(form, "head")),
                ends=last_day(one(form, "ends"), FOR_EVER),
            )
            ask = request_change if change else request_new
            key = await ask(visit.hub, visit.caller, wish, one(form, "why"), **where)
        except Invalid as problem:
            return await _form(visit, problem=problem.field)
        except AlreadyThere:
            return await _form(visit, problem="open" if change else "taken")
        except Unknown:
            return await _form(visit, problem="form")
        visit.fhir.recorded = True
        return moved(f"/requests/{key}")

    return await view(request, "accounts", work, interaction="account")


async def _found(visit: Visit) -> RightRequest:
    key = visit.web.path_params["key"]
    try:
        found = await read_request(visit.hub.database.reader, number(key, digits=9))
    except Unknown as error:
        raise NotFound("There is no such request") from error
    if not sees(visit.caller, found.organisation):
        raise NotFound("There is no such request")
    return found


async def _page(visit: Visit, found: RightRequest, *, problem: str = "", shown: str = "") -> Page:
    caller, now = visit.caller, visit.fhir.now
    office, waits = caller.role == "secretariat", found.state == "granted"
    about = (visit.hub.database.reader, caller, found.organisation, found.name, now)
    values = {
        "one": found,
        "problem": problem,
        "shown": shown,
        "moment": moment,
        "may_grant": found.state == "requested" and office and caller.user != found.requested.by,
        "may_refuse": (found.state == "requested" and office) or (waits and await may_confirm(*about)),
        "may_confirm": waits and await may_confirm(*about, granted_by=found.granted.by),
    }
    return Page("request.html", values, 400 if problem else 200)


async def one_request(request: Request) -> Response:
    """Show a request and what was decided."""

    async def work(visit: Visit) -> Page:
        return await _page(visit, await _found(visit))

    return await view(request, "accounts", work)


async def decide_request(request: Request) -> Response:
    """Grant, refuse or confirm a request."""

    async def work(visit: Visit) -> Page | Response:
        found, act, why = await _found(visit), one(visit.form, "act"), one(visit.form, "why")
        where = {"network": visit.fhir.network, "path": f"/requests/{found.key}"}
        shown = ""
        try:
            if act == "grant":
                shown = await decide.grant(visit.hub, visit.caller, found.key, why, **where)
            elif act == "refuse":
                await decide.refuse(visit.hub, visit.caller, found.key, why, **where)
            elif act == "confirm":
                await decide.confirm(visit.hub, visit.caller, found.key, why, **where)
            else:
                raise Invalid("The form says nothing to do")
        except Invalid as problem:
            return await _page(visit, found, problem=problem.field)
        except AlreadyThere:
            return await _page(visit, found, problem="taken")
        visit.fhir.recorded = True
        if shown:
            return await _page(visit, await _found(visit), shown=shown)
        return moved(f"/requests/{found.key}")

    return await view(request, "accounts", work, interaction="account")
