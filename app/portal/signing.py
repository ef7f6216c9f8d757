"""Signing in and out, and changing the password."""

import re
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.access import passkeys, sessions
from app.access.change_password import WrongPassword, change_password
from app.access.cookies import IMAGES_COOKIE
from app.access.identify import COOKIE, Locked
from app.access.outside.ask import way_out
from app.access.outside.session import was_outside
from app.access.passwords import WeakPassword
from app.access.second_step import SIGN_IN
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.portal.forms import check_origin, exactly, one, read_form
from app.portal.gate import STEPS, Visit, failure, identify, moved, view
from app.portal.page import HEADERS, Page, render
from app.portal.roles import HOMES
from fhir.errors import FhirError, Unauthorized

_OURS = re.compile(r"/(?![/\\])[\x21-\x7e]*")
"""An address on this hub: a redirection to another site would help whoever wants to look like us."""

STEP_COOKIE = "renkei_step"
"""Holds a sign-in whose second factor is awaited; it opens nothing."""


def wanted_next(text: str) -> str:
    """Return an address on this hub that a person is sent to, empty when `text` is none."""
    return text if _OURS.fullmatch(text) and text != "/" else ""


def after(wanted: str) -> str:
    """Return the query that keeps where a person wanted to go."""
    return f"?next={quote(wanted, safe='')}" if wanted else ""


def sign_in_page(request: Request, wanted: str = "", *, refused: bool = False) -> Response:
    """Return the sign-in: by password, by the outside provider, or both.

    With a password goes a fresh challenge for a passkey, where the browser may have one.
    """
    hub: Hub = request.app.state.hub
    settings = hub.settings
    offered = settings.by_password and settings.second_factor != "off" and passkeys.party(settings)[0]
    values = {
        "next": wanted,
        "refused": refused,
        "passkey": passkeys.asked_to_prove(settings, hub.audit.keys, SIGN_IN, hub.clock()) if offered else "",
        "outside": bool(settings.oidc_issuer),
        "by_password": settings.by_password,
    }
    return render(request, Page("sign_in.html", values, 401 if refused else 200))


def begun(request: Request, secret: str, wanted: str) -> Response:
    """Return the answer that gives a browser its session."""
    hub: Hub = request.app.state.hub
    answer = RedirectResponse(wanted or "/", 303, HEADERS)
    answer.set_cookie(COOKIE, secret, path="/", secure=hub.settings.cookie_secure, httponly=True, samesite="strict")
    answer.delete_cookie(
        STEP_COOKIE, path="/sign-in", secure=hub.settings.cookie_secure, httponly=True, samesite="strict"
    )
    return answer


def ended(hub: Hub, page: Response | None = None) -> Response:
    """Return the answer that takes a browser its session and what it has kept of the pages; `page`, else the first."""
    answer = RedirectResponse("/", 303, HEADERS) if page is None else page
    answer.headers["clear-site-data"] = '"cache"'
    secure = hub.settings.cookie_secure
    answer.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="strict")
    # Nor does whoever comes next see the images that a link of another system opened here.
    answer.delete_cookie(IMAGES_COOKIE, path="/", secure=secure, httponly=True, samesite="lax")
    return answer


async def home(request: Request) -> Response:
    """Show the sign-in, or send a person who is signed in to the page that the role begins with."""
    try:
        caller, _ = await identify(request)
    except Locked:
        return moved("/unlock")
    except Unauthorized:
        return sign_in_page(request, wanted_next(request.query_params.get("next", "")))
    except DatabaseUnavailable:
        return failure(request, 503)
    if caller.must_change:
        return moved(STEPS[caller.step])
    return moved(HOMES.get(caller.role, "/patients"))


async def sign_in(request: Request) -> Response:
    """Sign a person in by name and password, or lead on to the second factor."""
    hub: Hub = request.app.state.hub
    if not hub.settings.by_password:
        return failure(request, 403)
    try:
        check_origin(request)
        form, _ = await read_form(request)
        network = request.client.host if request.client else ""
        wanted, agent = wanted_next(one(form, "next")), request.headers.get("user-agent", "")
        name, password = one(form, "name"), exactly(form, "password")
        try:
            secret = await sessions.sign_in(hub, name, password, network=network, agent=agent)
        except sessions.SignInRefused:
            return sign_in_page(request, wanted, refused=True)
        except sessions.SecondFactorNeeded as further:
            return _further(request, further.secret, wanted)
    except FhirError as error:
        return failure(request, error.status)
    except DatabaseUnavailable:
        return failure(request, 503)
    return begun(request, secret, wanted)


def _further(request: Request, secret: str, wanted: str) -> Response:
    hub: Hub = request.app.state.hub
    answer = RedirectResponse(f"/sign-in/second{after(wanted)}", 303, HEADERS)
    answer.set_cookie(
        *(STEP_COOKIE, secret),
        max_age=sessions.STEP_SECONDS,
        path="/sign-in",
        secure=hub.settings.cookie_secure,
        httponly=True,
        samesite="strict",
    )
    return answer


async def sign_out(request: Request) -> Response:
    """End the session, or every session of the person when the form says `everywhere`."""

    async def work(visit: Visit) -> Response:
        network = visit.fhir.network
        everywhere = bool(one(visit.form, "everywhere"))
        further = await way_out(visit.hub) if await was_outside(visit.hub, visit.secret) else ""
        await sessions.sign_out(visit.hub, visit.caller, visit.secret, everywhere=everywhere, network=network)
        visit.fhir.recorded = True
        if not further:
            return ended(visit.hub)
        # The person is signed out here; a form may not lead to the provider, a page may.
        return ended(visit.hub, render(visit.web, Page("onward.html", {"onward": further, "title": "sign_in.out"})))

    return await view(request, "", work, interaction="sign-out", may_change=True)


def _password_page(visit: Visit, problem: str) -> Page:
    must_change, shortest = visit.caller.step == "password", visit.hub.settings.password_length
    values = {"problem": problem, "shortest": shortest, "must_change": must_change}
    return Page("password.html", values, 400 if problem else 200)


async def password(request: Request) -> Response:
    """Show the form for a new password, or change the password."""

    async def work(visit: Visit) -> Page | Response:
        if visit.web.method == "GET":
            return _password_page(visit, "")
        new = exactly(visit.form, "password")
        if new != exactly(visit.form, "again"):
            return _password_page(visit, "differ")
        present, network = exactly(visit.form, "present"), visit.fhir.network
        try:
            await change_password(visit.hub, visit.caller, visit.secret, present, new, network=network)
        except WeakPassword:
            return _password_page(visit, "weak")
        except WrongPassword:
            visit.fhir.recorded = True
            return _password_page(visit, "wrong")
        visit.fhir.recorded = True
        return moved("/")

    return await view(request, "", work, interaction="account", may_change=True)
