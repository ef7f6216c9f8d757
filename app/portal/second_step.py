"""The second page of a sign-in, and the sign-in by a passkey alone."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from app.access import passkeys, second_step
from app.access.factors import PASSKEY, TEMPORARY, TOTP
from app.access.second_step import Awaited, Given
from app.access.sessions import SignInRefused
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.portal.forms import Form, check_origin, exactly, one, read_form
from app.portal.gate import failure, moved
from app.portal.page import Page, render
from app.portal.signing import STEP_COOKIE, after, begun, sign_in_page, wanted_next
from fhir.errors import FhirError


def _page(request: Request, found: Awaited, secret: str, wanted: str, *, refused: bool = False) -> Response:
    hub: Hub = request.app.state.hub
    options = ""
    if PASSKEY in found.kinds and passkeys.party(hub.settings)[0]:
        binding = second_step.step_binding(secret)
        options = passkeys.asked_to_prove(hub.settings, hub.audit.keys, binding, hub.clock(), held=found.factors)
    values = {
        "next": wanted,
        "refused": refused,
        "passkey": options,
        "has_codes": bool({TOTP, TEMPORARY} & found.kinds),
    }
    return render(request, Page("second_step.html", values, 401 if refused else 200))


async def second(request: Request) -> Response:
    """Ask for the second factor."""
    secret = request.cookies.get(STEP_COOKIE, "")
    try:
        found = await second_step.awaited(request.app.state.hub, secret)
    except SignInRefused:
        return moved("/")
    except DatabaseUnavailable:
        return failure(request, 503)
    return _page(request, found, secret, wanted_next(request.query_params.get("next", "")))


async def _received(request: Request, work: Callable[[Form, str, str], Awaitable[Response]]) -> Response:
    """Do the work of a form that needs no session: the form, the caller's address, what the browser calls itself."""
    try:
        check_origin(request)
        form, _ = await read_form(request)
        network = request.client.host if request.client else ""
        return await work(form, network, request.headers.get("user-agent", ""))
    except FhirError as error:
        return failure(request, error.status)
    except DatabaseUnavailable:
        return failure(request, 503)


async def give_second(request: Request) -> Response:
    """Sign a person in whose password was right."""
    hub: Hub = request.app.state.hub
    secret = request.cookies.get(STEP_COOKIE, "")

    async def work(form: Form, network: str, agent: str) -> Response:
        wanted = wanted_next(one(form, "next"))
        given = Given(one(form, "code"), exactly(form, "credential"))
        try:
            session = await second_step.finish(hub, secret, given, network=network, agent=agent)
        except SignInRefused:
            try:
                found = await second_step.awaited(hub, secret)
            except SignInRefused:
                return moved(f"/{after(wanted)}")
            return _page(request, found, secret, wanted, refused=True)
        return begun(request, session, wanted)

    return await _received(request, work)


async def by_passkey(request: Request) -> Response:
    """Sign a person in by a passkey alone."""
    hub: Hub = request.app.state.hub
    if not hub.settings.by_password:
        return failure(request, 403)

    async def work(form: Form, network: str, agent: str) -> Response:
        wanted = wanted_next(one(form, "next"))
        try:
            answer = exactly(form, "credential")
            session = await second_step.sign_in_by_passkey(hub, answer, network=network, agent=agent)
        except SignInRefused:
            return sign_in_page(request, wanted, refused=True)
        return begun(request, session, wanted)

    return await _received(request, work)
