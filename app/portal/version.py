"""A version of a document that came as a Bundle: as a page, and as it came.

https://hl7.org/fhir/R4/documents.html
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.portal.documents import sections
from app.portal.gate import Visit, view
from app.portal.items import TYPES, Item, item
from app.portal.page import HEADERS, Page
from app.portal.sites import read_sites
from app.portal.versions import head_of, resources_of, tree_of, versions_list
from fhir.documents.kind import kind_of_tree
from fhir.documents.split import TYPES as BUNDLES
from fhir.errors import NotFound
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS
from fhir.undo import original


def _title(bundle: Stored, tree: Mapping[str, Any]) -> Item | None:
    head = head_of(tree)
    if head is None:
        return None
    return item(bundle._replace(type_number=NUMBERS["Composition"], body=orjson.dumps(head)))


def _facts(bundle: Stored, tree: Mapping[str, Any]) -> list[Item]:
    """Return the items of a collection, each as a line."""
    lines = (
        item(bundle._replace(type_number=NUMBERS[one["resourceType"]], body=orjson.dumps(one)))
        for one in resources_of(tree)
        if one["resourceType"] in TYPES
    )
    return [line for line in lines if line is not None]


async def _read(visit: Visit, number: int) -> tuple[Stored, Stored]:
    """Return the current version of a document and the one that is asked for, 0 for the current one.

    Raises:
        NotFound: there is no such document.
    """
    id_: str = visit.web.path_params["id"]
    current = await visit.fhir.record.read("Bundle", id_)
    asked = current if number in (0, current.version) else await visit.fhir.record.vread("Bundle", id_, str(number))
    if tree_of(asked).get("type") not in BUNDLES:
        raise NotFound("There is no such document")
    return current, asked


async def version(request: Request) -> Response:
    """Show a version of a document; without a number the one that holds."""

    async def work(visit: Visit) -> Page:
        current, asked = await _read(visit, request.path_params.get("number", 0))
        tree = tree_of(asked)
        head = head_of(tree)
        versions = await versions_list(visit, current, asked)
        values = {
            "document": _title(asked, tree),
            "kind": kind_of_tree(tree),
            "sections": list(sections((head or {}).get("section", ()))),
            "facts": _facts(asked, tree) if head is None else [],
            "shown": asked,
            "versions": versions,
            "holds": any(one.holds and one.number == asked.version for one in versions.listed),
            "sites": await read_sites(visit.hub),
            "patient": await visit.hub.patient_reference(asked.patient_key) if asked.patient_key > 0 else "",
        }
        return Page("document_version.html", values)

    return await view(request, "timeline", work, interaction="vread", action="R")


async def as_it_came(request: Request) -> Response:
    """Answer a version of a document, byte for byte as its sender wrote it, as a file to save."""

    async def work(visit: Visit) -> Response:
        number = str(request.path_params["number"])
        found, undo, _ = await visit.fhir.record.received("Bundle", request.path_params["id"], number)
        if tree_of(found).get("type") not in BUNDLES:
            raise NotFound("There is no such document")
        body = original(bytes(found.body), bytes(undo))
        ending = "xml" if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "json"
        name = f"{found.id}-{found.version}.{ending}"
        headers = {
            **HEADERS,
            "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
            "content-disposition": f'attachment; filename="{name}"',
        }
        return Response(body, media_type="application/octet-stream", headers=headers)

    return await view(request, "timeline", work, interaction="vread", action="R")
