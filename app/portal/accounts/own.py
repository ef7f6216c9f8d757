"""One's own account: the last sign-in, second factors, recovery codes, and the sessions that are open."""

from starlette.requests import Request
from starlette.responses import Response

from app.access import factors
from app.access.own_sessions import end_one, own_sessions
from app.portal.dates import moment
from app.portal.forms import one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page

FRESH_MICROSECONDS = 600_000_000
"""So long after the sign-in the password is not asked for again before something that outlives the session."""


async def is_fresh(visit: Visit) -> bool:
    """Return whether the person has signed in just now."""
    found = await own_sessions(visit.hub, visit.caller, visit.secret)
    return any(one.own and one.begun + FRESH_MICROSECONDS > visit.fhir.now for one in found)


async def account(request: Request) -> Response:
    """Show the own account."""

    async def work(visit: Visit) -> Page:
        reader, caller = visit.hub.database.reader, visit.caller
        values = {
            "sessions": await own_sessions(visit.hub, caller, visit.secret),
            "factors": await factors.held(reader, caller.account, visit.fhir.now),
            "codes": await factors.codes_left(reader, caller.account),
            "offered": visit.hub.settings.second_factor != "off",
            "done": visit.web.query_params.get("done", ""),
            "moment": moment,
        }
        return Page("account.html", values)

    return await view(request, "", work)


async def end_session(request: Request) -> Response:
    """End one of the own sessions."""

    async def work(visit: Visit) -> Response:
        await end_one(visit.hub, visit.caller, one(visit.form, "id"), network=visit.fhir.network)
        return moved("/account?done=ended")

    return await view(request, "", work, interaction="account")
