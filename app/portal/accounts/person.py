"""One person's rights: what they are, how they came about, and what may be done about them."""

from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response

from app.access.directory import AlreadyThere, Unknown, find_organisation
from app.access.enrol import Invalid
from app.access.rights.decide import confirm_again
from app.access.rights.leave import leave
from app.access.rights.listed import Right, requests_of, right
from app.access.rights.request import request_stand_in
from app.access.rights.reset import reset_password
from app.access.rights.rules import ROLES_OF, may_confirm, sees
from app.consent.break_glass.who import WITH_RIGHT, give_right, has_right
from app.portal.dates import moment, to_microseconds
from app.portal.forms import one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page
from app.portal.sites import read_sites
from fhir.errors import NotFound


def last_day(text: str, never: int) -> int:
    """Return the instant after a day in Japan, `never` for no day.

    Raises:
        Invalid: it is no day.
    """
    if not text:
        return never
    try:
        return to_microseconds(date.fromisoformat(text) + timedelta(days=1))
    except (ValueError, OverflowError) as error:
        raise Invalid("This is no day", "ends") from error


async def found_right(visit: Visit, name: str) -> Right:
    """Return somebody's rights.

    Raises:
        NotFound: there is no such account, or none that the caller sees.
    """
    try:
        found = await right(visit.hub.database.reader, name, visit.fhir.now)
    except Unknown as error:
        raise NotFound("There is no such account") from error
    if not sees(visit.caller, found.organisation):
        raise NotFound("There is no such account")
    return found


async def _page(visit: Visit, found: Right, *, problem: str = "", shown: str = "") -> Page:
    caller, sites = visit.caller, await read_sites(visit.hub)
    own = caller.organisation == found.organisation
    office = caller.role == "secretariat"
    values = {
        "one": found,
        "state": found.state(visit.fhir.now),
        "history": await requests_of(visit.hub.database.reader, found.name),
        "sites": sites,
        "roles": ROLES_OF[sites.by_key[found.organisation].kind],
        "problem": problem,
        "shown": shown,
        "form": visit.form,
        "moment": moment,
        "may_request": office or (own and (caller.head or caller.role == "clerk")),
        "may_end": office or (own and caller.head),
        "may_confirm": await may_confirm(
            *(visit.hub.database.reader, caller, found.organisation, found.name, visit.fhir.now)
        ),
        "may_reset": office and caller.user != found.name,
        "glass": await _glass(visit, found),
        "done": visit.web.query_params.get("done", ""),
    }
    return Page("person.html", values, 400 if problem else 200)


async def _glass(visit: Visit, found: Right) -> str:
    """Return what the head may do about the person's right to break the glass: give it, take it, or nothing."""
    caller, settings = visit.caller, visit.hub.settings
    needs = found.role in WITH_RIGHT and found.role in settings.break_glass_allowed
    if not needs or not caller.head or caller.organisation != found.organisation or caller.user == found.name:
        return ""
    return "take" if await has_right(visit.hub.database.reader, found.account) else "give"


async def person(request: Request) -> Response:
    """Show somebody's rights."""

    async def work(visit: Visit) -> Page:
        return await _page(visit, await found_right(visit, request.path_params["name"]))

    return await view(request, "accounts", work)


async def _act(visit: Visit, found: Right, act: str) -> str:
    """Do what the form says and return what is shown once, empty when nothing is."""
    hub, caller, why = visit.hub, visit.caller, one(visit.form, "why")
    where = {"network": visit.fhir.network, "path": visit.web.url.path[:200]}
    if act == "leave":
        await leave(hub, caller, found.name, why, ends=last_day(one(visit.form, "ends"), 0), **where)
    elif act == "confirm":
        await confirm_again(hub, caller, found.name, **where)
    elif act in ("glass-give", "glass-take"):
        if found.role not in WITH_RIGHT:
            raise Invalid("Only nurses and pharmacists need this right", "form")
        take, network = act == "glass-take", visit.fhir.network
        await give_right(hub, caller, found.account, found.name, found.organisation, take=take, network=network)
    elif act == "lost-device":
        place = await find_organisation(hub.database.reader, found.organisation_slug)
        await request_stand_in(hub, caller, found, place, why, **where)
    elif act == "reset":
        return await reset_password(hub, caller, found.name, why, **where)
    else:
        raise Invalid("The form says nothing to do")
    return ""


async def change_person(request: Request) -> Response:
    """End somebody's rights, confirm them again, reset the password, or report a lost device."""

    async def work(visit: Visit) -> Page | Response:
        found = await found_right(visit, request.path_params["name"])
        try:
            shown = await _act(visit, found, one(visit.form, "act"))
        except Invalid as problem:
            return await _page(visit, found, problem=problem.field)
        except AlreadyThere:
            return await _page(visit, found, problem="open")
        visit.fhir.recorded = True
        if shown:
            return await _page(visit, await found_right(visit, found.name), shown=shown)
        return moved(f"/accounts/{found.name}?done={one(visit.form, 'act')}")

    return await view(request, "accounts", work, interaction="account")
