"""The gates of an HTTP door in their order: identify, decide and do, record.

What differs between doors (FHIR, DICOMweb) is what a request is, what answers it and what it tells the audit log.
"""

import errno
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from starlette.types import Receive, Scope

from app.access import epoch
from app.access.caller import Caller
from app.access.cookies import images_cookie, session_cookie
from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.clock import instant
from app.consent.break_glass.purpose import header
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.records.events import common
from app.records.record import StaleCaller
from app.records.refusal import record_refusal
from app.records.request import Request, replayed
from app.records.response import Response, failure_response, outcome_response
from fhir.errors import FhirError, Forbidden, NotSupported, TooManyRequests, Unauthorized, UnknownParameter
from fhir.issue import Issue
from fhir.store.tables import NO_PATIENT

logger = logging.getLogger(__name__)

SAFE = {"GET", "HEAD"}

_NOT_NOW = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}
"""What a disk that is full, or fails, says when a blob is written or read; nothing refers to what was not flushed."""

MOST_ATTEMPTS = 3
"""How often a request is begun when rights keep changing under it."""


class Answer(Protocol):
    """What a door answers with."""

    status: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers, which a door may add to; what is no HTTP has none of its own."""
        ...


R = TypeVar("R", bound=Request)
A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True)
class Door(Generic[R, A]):
    """One kind of door."""

    request: Callable[[Hub, Scope, Receive, Caller], R]
    """Makes a request of a scope whose caller is known."""
    find: Callable[[R], Callable[[R], Awaitable[A]]]
    """Finds out what is asked, names it in the request, and returns what answers it."""
    tell: Callable[[R, int], Awaitable[list[Event]]]
    """The events of a request that is answered with a status."""


async def identify(hub: Hub, scope: Mapping[str, Any]) -> tuple[Caller, str]:
    """Return who calls, and the token or cookie that proved it.

    Raises:
        Unauthorized: nobody known. A cookie does not allow changes here: a page of another site could send it.
    """
    cookie = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            if value[:7].lower() != b"bearer ":
                raise Unauthorized("Only bearer tokens are taken here")
            secret = value[7:].decode("latin-1")
            return await hub.callers.by_token(secret, scope), secret
        if name == b"cookie":
            cookie = value
    if scope["method"] not in SAFE:
        raise Unauthorized("A token is needed")
    return await _by_cookie(hub, scope, cookie)


async def _by_cookie(hub: Hub, scope: Mapping[str, Any], cookie: bytes) -> tuple[Caller, str]:
    """Return the person whose session it is; for images alone, who came by a system's link when it is nobody's."""
    secret = session_cookie(cookie)
    link = images_cookie(cookie) if scope["path"].startswith("/dicomweb/") else ""
    if link:
        return await hub.callers.by_session_or_link(secret, link)
    if not secret:
        raise Unauthorized("A token is needed")
    return await hub.callers.by_session(secret), secret


def unavailable() -> Response:
    """Return a 503: nothing was disclosed, nothing is known to be written; try again."""
    issue = Issue("error", "transient", "", "The hub cannot record this access now; please try again")
    response = outcome_response(503, [issue])
    response.headers.append((b"retry-after", b"5"))
    return response


async def _check_known(request: Request, error: FhirError) -> None:
    """Refuse nothing for a search parameter that came, or was indexed, since the caller was identified.

    Raises:
        StaleCaller: it was before the last change.
    """
    unknown = isinstance(error, (UnknownParameter, NotSupported))
    if unknown and await epoch.current(request.hub.database.reader) != request.caller.epoch:
        raise StaleCaller


async def _do(door: Door[R, A], request: R) -> A | Response:
    try:
        await request.hub.search_parameters.learn(request.caller.epoch)
        answer = door.find(request)
        if request.caller.must_change:
            raise Forbidden("The sign-in must be finished first: a new password, or a second factor")
        return await answer(request)
    except FhirError as error:
        await _check_known(request, error)
        return failure_response(error)
    except (StaleCaller, DatabaseUnavailable, AuditUnavailable):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NOT_NOW:
            raise DatabaseUnavailable(str(error)) from error
        logger.exception("%s failed", request.method)
        issue = Issue("fatal", "exception", "", "The hub failed; the failure is in its log")
        return outcome_response(500, [issue])


async def recorded(door: Door[R, A], request: R) -> A | Response:
    """Return the answer to a request whose caller is known; its audit record is durable.

    Raises:
        StaleCaller: the caller must be identified again.
    """
    try:
        response = await _do(door, request)
        await warn_of_many(request)
        if not request.recorded:
            await request.hub.audit.append(await door.tell(request, response.status))
    except (DatabaseUnavailable, AuditUnavailable) as error:
        logger.error("%s cannot be answered: %s", request.method, error)
        return unavailable()
    if request.caller.glass:
        response.headers.append(header(request.caller, [instant(case.ends) for case in request.caller.glass]))
    return response


async def refused(hub: Hub, scope: Mapping[str, Any], error: FhirError) -> Response:
    """Return the refusal of somebody unknown, on record; who floods is told to wait, and is on record once a minute."""
    network = scope["client"][0] if scope.get("client") else ""
    wait = hub.limits.refusal(network)
    if wait:
        error = TooManyRequests("These are too many requests without a token; please wait", retry_after=wait)
        if not hub.limits.is_told("refused", network):
            return failure_response(error)
    return failure_response(error) if await record_refusal(hub, scope, str(error)) else unavailable()


async def throttled(door: Door[R, A], request: R, error: TooManyRequests) -> Response:
    """Return the refusal of a caller that asks too often; its flood does not become one of audit records."""
    caller = request.caller
    if request.hub.limits.is_told("request", (caller.client, caller.account)):
        # Nothing is found out about the request: it is told by its method and address.
        request.interaction = "throttled"
        try:
            await request.hub.audit.append(await door.tell(request, error.status))
        except (DatabaseUnavailable, AuditUnavailable):
            return unavailable()
    return failure_response(error)


async def warn_of_many(request: Request) -> None:
    """Put on record that a caller was shown unusually many Patients of other sites within an hour."""
    caller = request.caller
    shown = {(one.patient_key, one.custodian) for one in request.record.disclosed} | request.images_of
    others = {patient_key for patient_key, custodian in shown if custodian != caller.organisation}
    others.discard(NO_PATIENT)
    many = request.hub.limits.saw(caller, others) if others else 0
    if many:
        text = f"More than {many - 1} Patients of other sites within an hour"
        event = Event(**common(request, 200))._replace(
            interaction="many-persons", action="E", outcome="4", outcome_desc=text, query=None
        )
        await request.hub.audit.append([event])


async def enter(door: Door[R, A], scope: Scope, receive: Receive) -> A | Response:
    """Return the answer to a request at `door`."""
    hub: Hub = scope["app"].state.hub
    for _ in range(MOST_ATTEMPTS):
        try:
            caller, secret = await identify(hub, scope)
        except FhirError as error:
            return await refused(hub, scope, error)
        except DatabaseUnavailable:
            return unavailable()
        request = door.request(hub, scope, receive, caller)
        try:
            hub.limits.request(caller)
        except TooManyRequests as error:
            return await throttled(door, request, error)
        try:
            return await recorded(door, request)
        except StaleCaller:
            # Rights changed, and nothing was done: the caller is identified anew and asked for again.
            hub.callers.forget(secret)
            if request.streamed:
                break
            if request.received is not None:
                receive = replayed(request.received)
    return unavailable()
