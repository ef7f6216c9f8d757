"""`$convert`: a resource that is sent in one form and answered in another. Nothing is stored.

https://hl7.org/fhir/R4/resource-operation-convert.html
"""

import asyncio
from typing import Any

from app.records.prepare import check_structure
from app.records.request import THREAD_BYTES, FhirRequest
from app.records.response import Response, fhir_response
from fhir.errors import InvalidValue
from fhir.exact import read, write
from fhir.resource import parse


def _input(tree: dict[str, Any]) -> Any | None:
    """Return the resource that is the one parameter `input`; None when `tree` is to be converted itself."""
    parameters = tree.get("parameter")
    if tree.get("resourceType") != "Parameters" or not isinstance(parameters, list) or len(parameters) != 1:
        return None
    (only,) = parameters
    if isinstance(only, dict) and only.get("name") == "input" and "resource" in only:
        return only["resource"]
    return None


async def convert(request: FhirRequest) -> Response:
    """Answer the resource in the body in the form that is asked for.

    Raises:
        InvalidValue: there is no resource.
        Unprocessable: it breaks a rule of R4.
    """
    request.check_content_type()
    body = await request.body(request.hub.settings.bundle_bytes)
    if not body.strip():
        raise InvalidValue("There is no resource to convert", "input")
    if len(body) < THREAD_BYTES:
        return fhir_response(_checked(body))
    return fhir_response(await asyncio.to_thread(_checked, body))


def _checked(body: bytes) -> bytes:
    """Return the resource in a body, which has the structure of R4."""
    tree = parse(body)
    named = _input(tree)
    if named is not None:
        # Taken out of the tree that keeps the text of numbers; what was checked to be strict stays so.
        tree, body = named, write(read(body)["parameter"][0]["resource"])
    check_structure(tree, "Parameters.parameter[0].resource" if named is not None else "", entries=True)
    return body
