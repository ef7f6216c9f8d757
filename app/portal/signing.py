"""Signing in and out, and changing the password."""

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.access import sessions
from app.access.identify import COOKIE
from app.access.passwords import SHORTEST, WeakPassword
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.portal.forms import check_origin, exactly, one, read_form
from app.portal.gate import Visit, failure, identify, moved, view
from app.portal.page import HEADERS, Page, render
from fhir.errors import FhirError, Unauthorized

_OURS = re.compile(r"/(?![/\\])[\x21-\x7e]*")
"""An address on this hub: a redirection to another site would help whoever wants to look like us."""

HOMES = {"auditor": "/audit", "secretariat": "/consents"}
"""Where a role begins its work; the others begin with a patient."""


def _next(text: str) -> str:
    return text if _OURS.fullmatch(text) and text != "/" else ""


async def home(request: Request) -> Response:
    """Show the sign-in, or send a person who is signed in to the page that the role begins with."""
    try:
        caller, _ = await identify(request)
    except Unauthorized:
        return render(
            request, Page("sign_in.html", {"next": _next(request.query_params.get("next", "")), "refused": False})
        )
    except DatabaseUnavailable:
        return failure(request, 503)
    if caller.must_change:
        return moved("/password")
    return moved(HOMES.get(caller.role, "/patients"))


async def sign_in(request: Request) -> Response:
    """Sign a person in."""
    hub: Hub = request.app.state.hub
    try:
        check_origin(request)
        form, _ = await read_form(request)
        network = request.client.host if request.client else ""
        wanted = _next(one(form, "next"))
        try:
            secret = await sessions.sign_in(hub, one(form, "name"), exactly(form, "password"), network=network)
        except sessions.SignInRefused:
            return render(request, Page("sign_in.html", {"next": wanted, "refused": True}, 401))
    except FhirError as error:
        return failure(request, error.status)
    except DatabaseUnavailable:
        return failure(request, 503)
    answer = RedirectResponse(wanted or "/", 303, HEADERS)
    answer.set_cookie(COOKIE, secret, path="/", secure=hub.settings.cookie_secure, httponly=True, samesite="strict")
    return answer


async def sign_out(request: Request) -> Response:
    """End the session, or every session of the person when the form says `everywhere`."""

    async def work(visit: Visit) -> Response:
        network = visit.fhir.network
        everywhere = bool(one(visit.form, "everywhere"))
        await sessions.sign_out(visit.hub, visit.caller, visit.secret, everywhere=everywhere, network=network)
        visit.fhir.recorded = True
        answer = RedirectResponse("/", 303, {**HEADERS, "clear-site-data": '"cache"'})
        answer.delete_cookie(
            COOKIE, path="/", secure=visit.hub.settings.cookie_secure, httponly=True, samesite="strict"
        )
        return answer

    return await view(request, "", work, interaction="sign-out", may_change=True)


def _password_page(visit: Visit, problem: str) -> Page:
    values = {"problem": problem, "shortest": SHORTEST, "must_change": visit.caller.must_change}
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
            await sessions.change_password(visit.hub, visit.caller, visit.secret, present, new, network=network)
        except WeakPassword:
            return _password_page(visit, "weak")
        except sessions.WrongPassword:
            visit.fhir.recorded = True
            return _password_page(visit, "wrong")
        visit.fhir.recorded = True
        return moved("/")

    return await view(request, "", work, interaction="account", may_change=True)
