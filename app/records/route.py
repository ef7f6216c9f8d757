"""The FHIR door: a plain ASGI route, because every layer costs a read some of its speed.

Order of the gates: identify (here), decide (`FhirRequest.visibility`), do (the interaction), record (`answer`).
"""

from collections.abc import Mapping
from typing import Any

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from app.access.caller import Caller
from app.access.cookies import session_cookie
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.records.answer import answer, unavailable
from app.records.capabilities import capability_statement
from app.records.record import StaleCaller
from app.records.refusal import record_refusal
from app.records.request import FhirRequest, replayed
from app.records.response import Response, failure_response, fhir_response
from fhir.errors import FhirError, Unauthorized

SAFE = {"GET", "HEAD"}

MOST_ATTEMPTS = 3
"""How often a request is begun when rights keep changing under it."""


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
            return await hub.callers.by_token(secret), secret
        if name == b"cookie":
            cookie = value
    secret = session_cookie(cookie)
    if not secret or scope["method"] not in SAFE:
        raise Unauthorized("A token is needed")
    return await hub.callers.by_session(secret), secret


class FhirRoute(BaseRoute):
    """Every address below `/fhir`."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match HTTP requests below `/fhir`."""
        if (
            scope["type"] == "http"
            and (scope["path"].startswith("/fhir/") or scope["path"] == "/fhir")
            and "/.well-known/" not in scope["path"]
        ):
            return Match.FULL, {}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(scope["app"].state.hub, scope, receive)
        await response.send(send, head=scope["method"] == "HEAD")

    async def _answer(self, hub: Hub, scope: Scope, receive: Receive) -> Response:
        if scope["path"] == "/fhir/metadata" and scope["method"] in SAFE:
            return fhir_response(capability_statement(hub.settings.address))
        if scope["path"] == "/fhir":
            scope = {**scope, "path": "/fhir/"}
        for _ in range(MOST_ATTEMPTS):
            try:
                caller, secret = await identify(hub, scope)
            except FhirError as error:
                if not await record_refusal(hub, scope, str(error)):
                    return unavailable()
                return failure_response(error)
            except DatabaseUnavailable:
                return unavailable()
            request = FhirRequest(hub, scope, receive, caller)
            try:
                return await answer(request)
            except StaleCaller:
                # Rights changed, and nothing was done: the caller is identified anew and asked for again.
                hub.callers.forget(secret)
                if request.received is not None:
                    receive = replayed(request.received)
        return unavailable()

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """Name no address: FHIR addresses are made of types and ids."""
        raise NotImplementedError
