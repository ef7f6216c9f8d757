"""Sign-in by the outside provider: the way there, the way back, and the provider's word that a session is over.

The session's cookie is SameSite=Strict, so no browser sends it along when it comes back from another site: the person
comes back to a page, which leads on by itself. The way there is a link and no form, since a form may lead to this hub
alone.
"""

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.access import sessions
from app.access.fetch import NotFetched
from app.access.identify import COOKIE
from app.access.outside.ask import BACK, MINUTES, begin, finish, outside_of
from app.access.outside.id_token import NotProved, read_logout_token
from app.access.outside.session import NotLetIn, end_by_provider, let_in
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.portal.forms import one, read_form
from app.portal.gate import failure
from app.portal.page import HEADERS, Page, render
from app.portal.signing import sign_in_page, wanted_next
from fhir.errors import FhirError

logger = logging.getLogger(__name__)

ASKING_COOKIE = "renkei_outside"
"""What the browser keeps while the person is at the provider. Lax: it is sent when another site leads back here."""


def _network(request: Request) -> str:
    return request.client.host if request.client else ""


async def outside_sign_in(request: Request) -> Response:
    """Send a person to the provider."""
    hub: Hub = request.app.state.hub
    if not outside_of(hub).is_used:
        return failure(request, 404)
    try:
        address, kept = await begin(hub, wanted_next(request.query_params.get("next", "")))
    except NotFetched as error:
        logger.error("The provider of sign-in cannot be asked: %s", error)
        return failure(request, 503)
    answer = RedirectResponse(address, 303, HEADERS)
    secure = hub.settings.cookie_secure
    answer.set_cookie(
        *(ASKING_COOKIE, kept), max_age=MINUTES * 60, path=BACK, secure=secure, httponly=True, samesite="lax"
    )
    return answer


async def outside_back(request: Request) -> Response:
    """Let a person in whom the provider has sent back."""
    hub: Hub = request.app.state.hub
    if not outside_of(hub).is_used:
        return failure(request, 404)
    try:
        answer = await _let_in(request, hub)
    except DatabaseUnavailable:
        return failure(request, 503)
    secure = hub.settings.cookie_secure
    answer.delete_cookie(ASKING_COOKIE, path=BACK, secure=secure, httponly=True, samesite="lax")
    return answer


async def _let_in(request: Request, hub: Hub) -> Response:
    network = _network(request)
    try:
        claims, wanted = await finish(hub, dict(request.query_params), request.cookies.get(ASKING_COOKIE, ""))
    except (NotProved, NotFetched) as error:
        async with hub.database.write() as connection:
            await sessions.record_sign_in(hub, connection, network=network, path=BACK, reason=str(error))
        return sign_in_page(request, refused=True)
    try:
        secret = await let_in(hub, claims, network=network, agent=request.headers.get("user-agent", ""))
    except NotLetIn:
        return sign_in_page(request, refused=True)
    answer = render(request, Page("onward.html", {"onward": wanted or "/", "title": "sign_in.done"}))
    secure = hub.settings.cookie_secure
    answer.set_cookie(COOKIE, secret, path="/", secure=secure, httponly=True, samesite="strict")
    return answer


async def outside_logout(request: Request) -> Response:
    """End the sessions that the provider says are over.

    https://openid.net/specs/openid-connect-backchannel-1_0.html
    """
    hub: Hub = request.app.state.hub
    outside, headers = outside_of(hub), {"cache-control": "no-store"}
    if not outside.is_used:
        return failure(request, 404)
    try:
        form, _ = await read_form(request)
        token = one(form, "logout_token")
        sid, subject = await read_logout_token(outside, token, now_seconds=hub.clock() / 1e6)
        await end_by_provider(hub, sid=sid, subject=subject, network=_network(request))
    except (NotProved, FhirError) as error:
        return JSONResponse({"error": "invalid_request", "error_description": str(error)}, 400, headers)
    except (NotFetched, DatabaseUnavailable):
        return JSONResponse({"error": "temporarily_unavailable"}, 503, headers)
    return Response(status_code=200, headers=headers)
