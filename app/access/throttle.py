"""The doors by which people and systems come in: sign-in and token are slowed before any work is done for them.

RFC 6585, section 4 (429); RFC 6749, section 5.2 (errors of the token endpoint). An address has an allowance of its own,
and so has each page of sign-in: a password costs the hub 26 ms of a processor.
"""

from contextlib import suppress

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.hub import Hub
from app.portal.gate import failure

TOKENS = frozenset(("/oauth/token", "/oauth/introspect", "/oauth/revoke"))
BY_LINK = frozenset(("/sign-in/outside", "/sign-in/outside/back"))
"""Asked for by GET, and yet work: another server is asked."""

SIGN_INS = (
    frozenset(("/sign-in", "/sign-in/second", "/sign-in/passkey", "/unlock", "/password", "/sign-in/outside/logout"))
    | BY_LINK
)

DOORS = TOKENS | SIGN_INS
"""The addresses that are slowed. Those that only show a form are asked for by GET, and are not."""


async def throttled(scope: Scope, receive: Receive, send: Send) -> bool:
    """Return whether a request at one of `DOORS` has to wait, and was told so."""
    if scope["method"] != "POST" and scope["path"] not in BY_LINK:
        return False
    hub: Hub = scope["app"].state.hub
    network = scope["client"][0] if scope.get("client") else ""
    wait = hub.limits.door(scope["path"], network)
    if not wait:
        return False
    if hub.limits.is_told(scope["path"], network):
        event = Event(
            recorded=hub.clock(),
            action="E",
            interaction="throttled",
            outcome="4",
            outcome_desc="Too many tries to sign in or to get a token from one address",
            network=network or None,
            method=scope["method"],
            path=scope["path"],
        )
        # Nothing was disclosed; that the log cannot be written is told by every other answer.
        with suppress(AuditUnavailable):
            await hub.audit.append([event])
    await _answer(Request(scope, receive), wait)(scope, receive, send)
    return True


def _answer(request: Request, wait: float) -> Response:
    if request.url.path in TOKENS:
        text = "Too many requests from this address; please wait"
        answer: Response = JSONResponse({"error": "temporarily_unavailable", "error_description": text}, 429)
        answer.headers["cache-control"] = "no-store"
    else:
        answer = failure(request, 429)
    answer.headers["retry-after"] = str(seconds(wait))
    return answer


def seconds(wait: float) -> int:
    """Return how long to wait in whole seconds, one at least."""
    return max(1, int(wait) + (wait > int(wait)))
