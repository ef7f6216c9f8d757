"""What answers look like: the parts of the OpenAPI document that many operations share.

https://spec.openapis.org/oas/v3.1.0#components-object
"""

from typing import Any

from fhir import errors
from fhir.errors import FhirError

JSON, XML = "application/fhir+json", "application/fhir+xml"

REFUSALS = {
    "400": "The request is malformed: the OperationOutcome says where.",
    "401": "Nobody known asks: a token is needed.",
    "403": "The caller may not do this, or it would cost too much.",
    "404": "It does not exist for this caller; hidden and never-existing are answered alike.",
    "405": "The address exists, the method does not; `Allow` names those that do.",
    "406": "No representation that the caller accepts can be made.",
    "409": "The write contradicts what is stored.",
    "410": "The resource existed and was deleted.",
    "412": "The precondition does not hold, or the condition means several.",
    "413": "The body is larger than the hub takes.",
    "415": "The body is in a format that is not read; of a patch, `Accept-Patch` names those that are.",
    "416": "The range of octets lies outside of what there is; `Content-Range` tells how many there are.",
    "422": "The resource breaks a rule of its type or profile.",
    "429": "The caller asks too often, or has too much under way; `Retry-After` says when to try again.",
    "501": "The standard has such a service, this server does not.",
    "503": "The access cannot be put on record now, so nothing is disclosed; `Retry-After` says when to try again.",
}
"""By status, what a refusal means; each is an OperationOutcome."""

HEADERS = {
    "ETag": ("string", 'The version: `W/"3"`; for `If-Match` and `If-None-Match`.'),
    "Last-Modified": ("string", "When the version was made."),
    "Location": ("string", "The address of the version that was made."),
    "Content-Location": ("string", "Where to ask how far it is."),
}

_READS = ("400", "401", "403", "404", "406", "429", "503")
_WRITES = (*_READS, "409", "412", "413", "415", "422")


def fhir_content(schema: str) -> dict[str, Any]:
    """Return the two forms of a FHIR body."""
    return {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}} for kind in (JSON, XML)}


def answer(about: str, schema: str = "Resource", headers: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an answer with a FHIR body, or without one when `schema` is empty."""
    told: dict[str, Any] = {"description": about}
    if schema:
        told["content"] = fhir_content(schema)
    if headers:
        told["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return told


def refusals(*, writes: bool = False, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the refusals that an operation may be answered with."""
    statuses = sorted({*(_WRITES if writes else _READS), *more})
    return {status: {"$ref": f"#/components/responses/Refused{status}"} for status in statuses}


def components() -> dict[str, Any]:
    """Return what operations refer to."""
    resource = {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"type": "string"}, "id": {"type": "string"}, "meta": {"type": "object"}},
        "description": "A resource of FHIR R4; http://hl7.org/fhir/R4/resourcelist.html says what each type holds.",
    }
    named = {name: _of_type(name) for name in ("Bundle", "OperationOutcome", "Parameters", "CapabilityStatement")}
    return {
        "schemas": {"Resource": resource, **named},
        "responses": {f"Refused{status}": answer(about, "OperationOutcome") for status, about in REFUSALS.items()},
        "headers": {name: {"description": about, "schema": {"type": kind}} for name, (kind, about) in HEADERS.items()},
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "From `/oauth/token`."}},
    }


def _of_type(name: str) -> dict[str, Any]:
    same = {"type": "object", "properties": {"resourceType": {"const": name}}, "required": ["resourceType"]}
    return {"allOf": [{"$ref": "#/components/schemas/Resource"}, same]}


def known_statuses() -> set[int]:
    """Return the statuses that failures have; a test compares them with `REFUSALS`."""
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, FhirError)]
    return {one.status for one in found if one is not FhirError}
