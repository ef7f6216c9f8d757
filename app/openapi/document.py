"""The OpenAPI document: `GET /fhir/openapi.json`, whole or of one resource type.

https://spec.openapis.org/oas/v3.1.0
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import orjson
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from app.openapi.answers import answer, components, refusals
from app.openapi.dicomweb_paths import dicomweb_paths
from app.openapi.fhir_paths import fhir_paths
from app.openapi.search import query_parameter
from fhir.search.in_force import R4, InForce

ABOUT = (
    "FHIR R4 and DICOMweb of one region. Every request needs a token but those that say so. What a caller may not see "
    "does not exist for it: hidden and never-existing are answered alike. Each access is on record before the answer "
    "leaves. `?type=Patient` narrows this document to one resource type, with its search parameters."
)


def _open(about: str, schema: str, kind: str = "") -> dict[str, Any]:
    """Return an operation that needs no token."""
    done = {"description": about, "content": {kind: {"schema": {}}}} if kind else answer(about, schema)
    told = {"200": done, **{status: one for status, one in refusals().items() if status in ("400", "406")}}
    return {"tags": ["About the hub"], "summary": about, "parameters": [], "responses": told, "security": []}


def _about_the_hub() -> dict[str, Any]:
    type_ = query_parameter("type", {"type": "string"}, "A resource type: only what is about it.")
    metadata = _open("The CapabilityStatement.", "CapabilityStatement") | {"operationId": "metadata"}
    document = _open("This document.", "", "application/json") | {"operationId": "openapi", "parameters": [type_]}
    page = _open("The same for people.", "", "text/html") | {"operationId": "api", "parameters": [type_]}
    return {
        "/fhir/metadata": {"get": metadata},
        "/fhir/openapi.json": {"get": document},
        "/fhir/api": {"get": page},
    }


def _others(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Return what FastAPI knows of its own routes: sign-in of systems, health, metrics."""
    found = get_openapi(title="Renkei", version="", routes=routes)
    for place in found["paths"].values():
        for told in place.values():
            told |= {"tags": ["About the hub"], "security": []}
    return found


@lru_cache(maxsize=256)
def _document(address: str, type_name: str, others: bytes, known: InForce) -> bytes:
    shared = components()
    described = orjson.loads(others)
    if type_name:
        paths = fhir_paths(type_name, known)
    else:
        paths = {**_about_the_hub(), **described["paths"], **fhir_paths(), **dicomweb_paths()}
        shared["schemas"] |= described.get("components", {}).get("schemas", {})
    title = f"Renkei: {type_name}" if type_name else "Renkei"
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": title,
                "version": version("renkei"),
                "summary": "A health-information exchange",
                "description": ABOUT,
            },
            "servers": [{"url": address}],
            "paths": paths,
            "components": shared,
        }
    )


def openapi_document(address: str, type_name: str, routes: Sequence[BaseRoute], known: InForce = R4) -> bytes:
    """Return the document of the hub at `address`, as JSON.

    Args:
        address: That of the hub.
        type_name: The resource type that it is about; empty for the whole.
        routes: Those of the application that FastAPI describes.
        known: The search parameters that may be asked for.
    """
    return _document(address, type_name, b"{}" if type_name else orjson.dumps(_others(routes)), known)
