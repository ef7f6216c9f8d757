"""The FHIR door: a plain ASGI route, because every layer costs a read some of its speed.

Order of the gates: identify (`app.doors`), decide (`Request.visibility`), do (the interaction), record (`app.doors`).
"""

from typing import Any

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from app.db import DatabaseUnavailable
from app.doors import SAFE, enter, unavailable
from app.openapi.doors import PATHS, about_the_hub
from app.records.answer import FHIR
from app.records.format import rendered, wanted
from app.records.response import FhirResponse, failure_response
from fhir.errors import FhirError


async def _open(scope: Scope, refusal: FhirError | None) -> FhirResponse:
    """Return the answer to anybody at an address that tells of the hub itself."""
    try:
        if refusal is not None and scope["path"] == "/fhir/metadata":
            raise refusal
        return await about_the_hub(scope)
    except FhirError as error:
        return failure_response(error)
    except DatabaseUnavailable:
        return unavailable()


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
        written, refusal = None, None
        try:
            written = wanted(scope["headers"], scope["query_string"])
        except FhirError as error:
            refusal = error
        response = await self._answer(scope, receive, refusal)
        if written is not None:
            response = await rendered(response, written)
        await response.send(send, head=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive, refusal: FhirError | None) -> FhirResponse:
        path = scope["path"].removesuffix("/")
        if path in PATHS and scope["method"] in SAFE:
            return await _open({**scope, "path": path}, refusal)
        # Everybody else is identified, and recorded, before the interaction refuses.
        if scope["path"] == "/fhir":
            scope = {**scope, "path": "/fhir/"}
        return await enter(FHIR, scope, receive)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """Name no address: FHIR addresses are made of types and ids."""
        raise NotImplementedError
