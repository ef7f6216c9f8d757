"""The locked screen: nothing of the page is left on it, and the password or a passkey leads back to the same page."""

from starlette.requests import Request
from starlette.responses import Response

from app.access import lock as locks
from app.access import passkeys
from app.access.caller import Caller
from app.access.factors import PASSKEY, held
from app.access.identify import COOKIE, Locked
from app.access.sessions import SignInRefused, csrf_token, sign_out
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.portal.forms import check_origin, check_token, exactly, one, read_form
from app.portal.gate import Visit, failure, moved, view
from app.portal.page import HEADERS, Page, render
from app.portal.signing import after, ended, wanted_next
from fhir.errors import FhirError, Unauthorized


async def _page(request: Request, caller: Caller, secret: str, wanted: str, *, refused: bool = False) -> Response:
    hub: Hub = request.app.state.hub
    now, options = hub.clock(), ""
    found = await held(hub.database.reader, caller.account, now)
    if passkeys.party(hub.settings)[0] and any(one.kind == PASSKEY for one in found):
        binding = locks.unlock_binding(secret)
        options = passkeys.asked_to_prove(hub.settings, hub.audit.keys, binding, now, held=found)
    values = {
        "next": wanted,
        "refused": refused,
        "passkey": options,
        "person": caller.user_title,
        "user": caller.user,
        "token": csrf_token(secret),
    }
    return render(request, Page("locked.html", values, 401 if refused else 200))


async def unlock_page(request: Request) -> Response:
    """Show the locked screen; a session that is open goes where it was."""
    hub: Hub = request.app.state.hub
    secret, wanted = request.cookies.get(COOKIE, ""), wanted_next(request.query_params.get("next", ""))
    try:
        await hub.callers.by_session(secret)
    except Locked:
        return await _page(request, await hub.callers.by_locked_session(secret), secret, wanted)
    except Unauthorized:
        return moved(f"/{after(wanted)}")
    except DatabaseUnavailable:
        return failure(request, 503)
    return moved(wanted or "/")


async def unlock(request: Request) -> Response:
    """Unlock the session."""
    hub: Hub = request.app.state.hub
    secret = request.cookies.get(COOKIE, "")
    try:
        caller = await hub.callers.by_locked_session(secret)
        check_origin(request)
        form, _ = await read_form(request)
        check_token(form, secret)
        wanted, network = wanted_next(one(form, "next")), request.client.host if request.client else ""
        if one(form, "act") == "sign-out":
            # Whoever stands before a locked screen may end the session: it shows nothing, and saves the next person.
            await sign_out(hub, caller, secret, network=network)
            return ended(hub)
        password, passkey = exactly(form, "password"), exactly(form, "credential")
        try:
            await locks.unlock(hub, caller, secret, password=password, passkey=passkey, network=network)
        except SignInRefused:
            return await _page(request, caller, secret, wanted, refused=True)
    except Unauthorized:
        return moved("/")
    except FhirError as error:
        return failure(request, error.status)
    except DatabaseUnavailable:
        return failure(request, 503)
    return moved(wanted or "/")


async def lock(request: Request) -> Response:
    """Lock the session now; the browser sends this too when nobody has moved for the time of the setting."""

    async def work(visit: Visit) -> Response:
        await locks.lock(visit.hub, visit.caller, visit.secret, network=visit.fhir.network)
        visit.fhir.recorded = True
        return moved(f"/unlock{after(wanted_next(one(visit.form, 'next')))}")

    return await view(request, "", work, interaction="session-locked", may_change=True)


async def still_here(request: Request) -> Response:
    """Note that somebody works on a page without asking for another: typing a long form is no absence."""

    async def work(visit: Visit) -> Response:
        # Nothing is disclosed or changed but the instant, so the audit log is not told of each minute.
        visit.fhir.recorded = True
        return Response(status_code=204, headers=HEADERS)

    return await view(request, "", work, may_change=True)
