"""The portal's door: a page is asked for by a person, decided, done and recorded like a FHIR request.

The work of a page gets a `FhirRequest`, so that what it reads passes the same `Record`, and what it writes the same
`committed`; its audit record is durable before the page leaves.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Match

from app.access import sessions
from app.access.caller import Caller
from app.access.cookies import IMAGES_COOKIE
from app.access.identify import COOKIE, Locked
from app.audit.log import AuditUnavailable
from app.comma import parts
from app.db import DatabaseUnavailable
from app.doors import MOST_ATTEMPTS, warn_of_many
from app.hub import Hub
from app.portal.forms import Form, check_origin, check_token, read_form
from app.portal.page import HEADERS, Page, render
from app.portal.roles import check_role
from app.records.events import events
from app.records.record import StaleCaller
from app.records.refusal import record_refusal
from app.records.request import FhirRequest
from app.uploads.check import check_files
from fhir.errors import FhirError, Unauthorized

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visit:
    """A person's request for a page."""

    web: Request
    fhir: FhirRequest
    """The same request, as the gates know it."""
    secret: str
    """The session cookie."""
    form: Form
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The files of the form, by the names of their fields."""

    @property
    def hub(self) -> Hub:
        """The running hub."""
        return self.fhir.hub

    @property
    def caller(self) -> Caller:
        """The person."""
        return self.fhir.caller


Work = Callable[[Visit], Awaitable[Page | Response]]

Read = Callable[[Request, str], Awaitable[Form]]
"""Reads a form of the session with a cookie, and checks its token itself."""


def moved(address: str) -> Response:
    """Return a redirection to a page that is then asked for by GET."""
    return RedirectResponse(address, 303, HEADERS)


FAILURES = {status: str(status) for status in (400, 403, 404, 409, 413, 429, 500, 503)} | {
    405: "404",
    410: "404",
    422: "400",
}
"""The text of each status; what was deleted is not told from what never was."""


def failure(request: Request, status: int, caller: Caller | None = None) -> Response:
    """Return the page of a failure; it says what to do, and nothing of what exists."""
    return render(request, Page("failure.html", {"name": FAILURES.get(status, "500")}, status), caller)


async def nowhere(request: Request, error: Exception) -> Response:
    """Answer an address that means nothing, or nothing by this method: a page to a browser, a line to a program."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    if "text/html" in request.headers.get("accept", ""):
        response = failure(request, status)
    else:
        response = JSONResponse({"detail": HTTPStatus(status).phrase}, status)
    if status == 405:
        response.headers["allow"] = ", ".join(_allowed(request, error))
    return response


def _allowed(request: Request, error: Exception) -> list[str]:
    """Return the methods of an address: those that the failure names, and of other routes to it."""
    named = dict(error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
    found = [route for route in request.app.router.routes if route.matches(request.scope)[0] is not Match.NONE]
    others = {method for route in found for method in getattr(route, "methods", None) or ()}
    return sorted(others | set(parts(named)))


STEPS = {"password": "/password", "second-factor": "/account/factors"}
"""Where a person is led who must do something before anything else."""


async def identify(request: Request) -> tuple[Caller, str]:
    """Return the person whose session a request belongs to, and the session's cookie.

    Raises:
        Unauthorized: there is no session, or it has ended.
    """
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        raise Unauthorized("Please sign in")
    return await request.app.state.hub.callers.by_session(secret), secret


async def identify_for_images(request: Request) -> tuple[Caller, str]:
    """Return the same, or who came by a system's link to images when there is no session.

    Raises:
        Unauthorized: neither is there.
    """
    link = request.cookies.get(IMAGES_COOKIE, "")
    if link:
        hub: Hub = request.app.state.hub
        return await hub.callers.by_session_or_link(request.cookies.get(COOKIE, ""), link)
    return await identify(request)


async def view(
    request: Request,
    page: str,
    work: Work,
    *,
    interaction: str = "search-type",
    action: str = "E",
    may_change: bool = False,
    file_bytes: int = 0,
    finishes: str = "",
    read: Read | None = None,
    of_images: bool = False,
) -> Response:
    """Return the answer to a request for a page.

    Args:
        request: The request.
        page: The page's name in `app.portal.roles.PAGES`; empty for one that every role may open.
        work: Makes the page.
        interaction: What the audit record calls it.
        action: The action of the audit record.
        may_change: Whether the page is open to a person who must change the password, or do else, first.
        file_bytes: The most bytes of files that its form may carry.
        finishes: The step of `Caller.step` that this page is for.
        read: Reads the form, where its files are too large for memory; the role is checked before.
        of_images: Whether who came by a system's link to images may open it as well.
    """
    hub: Hub = request.app.state.hub
    form: tuple[Form, Mapping[str, bytes]] | None = None
    try:
        for _ in range(MOST_ATTEMPTS):
            try:
                caller, secret = await (identify_for_images if of_images else identify)(request)
            except Unauthorized as error:
                return await _sign_in_first(request, hub, error)
            if caller.must_change and not may_change and caller.step != finishes:
                return moved(STEPS[caller.step])
            fhir = FhirRequest(hub, request.scope, request.receive, caller)
            fhir.interaction, fhir.action = interaction, action
            try:
                hub.limits.request(caller)
                if form is None and read is not None:
                    check_role(caller, page)
                    check_origin(request)
                    form = await read(request, secret), {}
                elif form is None:
                    form = await _form(request, secret, file_bytes)
                # A form takes the kinds of files that it names, and says so where it refuses one.
                await check_files(fhir, form[1].items(), only_by_scanner=True)
                answer, status = await _do(Visit(request, fhir, secret, *form), page, work)
            except FhirError as error:
                answer, status = failure(request, error.status, caller), error.status
            except StaleCaller:
                # Rights changed while the page was made; nothing was written or shown, so it is made again.
                continue
            except (DatabaseUnavailable, AuditUnavailable):
                raise
            except Exception:
                logger.exception("%s %s failed", request.method, page)
                answer, status = failure(request, 500, caller), 500
            await warn_of_many(fhir)
            if not fhir.recorded:
                await hub.audit.append(await events(fhir, fhir.record.disclosed, status))
            await sessions.touch(hub, secret)
            return answer
    except (DatabaseUnavailable, AuditUnavailable) as error:
        logger.error("%s %s cannot be answered: %s", request.method, request.url.path, error)
    return failure(request, 503)


async def _form(request: Request, secret: str, file_bytes: int) -> tuple[Form, Mapping[str, bytes]]:
    if request.method != "POST":
        return {}, {}
    check_origin(request)
    form, files = await read_form(request, file_bytes=file_bytes)
    check_token(form, secret)
    return form, files


async def _do(visit: Visit, page: str, work: Work) -> tuple[Response, int]:
    if page and not visit.caller.link:
        check_role(visit.caller, page)
    made = await work(visit)
    if isinstance(made, Page):
        return render(visit.web, made, visit.caller), made.status
    return made, made.status_code


async def _sign_in_first(request: Request, hub: Hub, reason: Unauthorized) -> Response:
    if not await record_refusal(hub, request.scope, str(reason)):
        return failure(request, 503)
    door = "/unlock" if isinstance(reason, Locked) else "/"
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return moved(f"{door}?next={quote(wanted, safe='')}" if request.method == "GET" else door)
