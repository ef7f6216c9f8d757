"""The addresses below `/fhir` that tell of the hub itself, to anybody: nothing depends on who asks, or on data."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Scope

from app.openapi.document import openapi_document
from app.openapi.page import page
from app.portal.page import HEADERS
from app.records.metadata import metadata
from app.records.request import decode_pairs
from app.records.response import Response
from fhir.errors import InvalidValue
from fhir.store.types import NUMBERS


def _type(query: bytes) -> str:
    return next((text for name, text in decode_pairs(query) if name == "type"), "")


async def _openapi(app: Any, query: bytes) -> Response:
    """Answer the OpenAPI document, whole or of one type.

    Raises:
        InvalidValue: R4 has no such type.
    """
    type_name = _type(query)
    if type_name and type_name not in NUMBERS:
        raise InvalidValue(f"{type_name[:50]!r} is not a resource type of R4", "type")
    hub = app.state.hub
    known = await hub.search_parameters.refresh()
    body = openapi_document(hub.settings.address, type_name, app.routes, known)
    kind = (b"content-type", b"application/json")
    return Response(200, body, [kind, (b"cache-control", b"no-cache"), (b"x-content-type-options", b"nosniff")])


async def _api(app: Any, query: bytes) -> Response:
    """Answer the page for people."""
    hub = app.state.hub
    status, body = page(hub.settings.address, _type(query), await hub.search_parameters.refresh())
    named = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    return Response(status, body, [(b"content-type", b"text/html; charset=utf-8"), *named])


_DOORS: dict[str, Callable[[Any, bytes], Awaitable[Response]]] = {
    "/fhir/metadata": lambda app, query: metadata(app.state.hub, query),
    "/fhir/openapi.json": _openapi,
    "/fhir/api": _api,
}
PATHS = tuple(_DOORS)
"""The addresses."""


async def about_the_hub(scope: Scope) -> Response:
    """Return the answer at one of `PATHS`.

    Raises:
        InvalidValue: a parameter has no proper value.
        DatabaseUnavailable: what is loaded cannot be read.
    """
    return await _DOORS[scope["path"]](scope["app"], scope["query_string"])
