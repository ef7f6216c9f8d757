"""A Bundle that the hub makes of a single document, so that this is filed as what is provided in one.

https://profiles.ihe.net/ITI/MHD/ITI-105.html, https://profiles.ihe.net/ITI/MHD/ITI-106.html
"""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from app.clock import instant
from app.exchange.mhd.profiles import LIST_TYPES, SOURCE_ID, URI
from app.records.request import FhirRequest
from fhir.envelope import Envelope, EnvelopeEntry, Request
from fhir.errors import FhirError, Unprocessable
from fhir.issue import Issue

SET, DOCUMENT, BYTES = 0, 1, 2
"""The places of the SubmissionSet, the DocumentReference and the bytes."""


def a_urn() -> str:
    """Return a new URN."""
    return f"urn:uuid:{uuid.uuid4()}"


def as_oid(urn: str) -> str:
    """Return a `urn:uuid:` as an OID. https://www.itu.int/rec/T-REC-X.667, 7."""
    return f"urn:oid:2.25.{uuid.UUID(urn).int}"


def entry(name: str, resource: bytes, source: bytes | None = None) -> EnvelopeEntry:
    """Return the entry of a new resource; `source` is what its sender wrote, where that is something else."""
    tree = orjson.loads(resource)
    type_name: str = tree["resourceType"]
    return EnvelopeEntry(name, resource, type_name, tree.get("id"), Request("POST", type_name), source=source)


def submission_set(request: FhirRequest, document: Mapping[str, Any], name: str) -> bytes:
    """Return the SubmissionSet of one document, `name` being its fullUrl."""
    organisation = f"{request.hub.settings.fhir_address}/{request.caller.organisation_reference}"
    made: dict[str, Any] = {
        "resourceType": "List",
        "extension": [{"url": SOURCE_ID, "valueIdentifier": {"system": URI, "value": organisation}}],
        "identifier": [{"use": "usual", "system": URI, "value": as_oid(a_urn())}],
        "status": "current",
        "mode": "working",
        "code": {"coding": [{"system": LIST_TYPES, "code": "submissionset"}]},
        "date": instant(request.now),
        "entry": [{"item": {"reference": name}}],
    }
    if "subject" in document:
        made["subject"] = document["subject"]
    return orjson.dumps(made)


def place_at(error: FhirError, places: Mapping[str, str]) -> None:
    """Let a failure say where it is in what was sent, rather than in the Bundle that the hub made of it.

    Args:
        error: The failure; each issue of it is changed.
        places: From a place in the Bundle to that in what was sent, the longer ones first.
    """

    def sent(text: str) -> str:
        for made, place in places.items():
            text = text.replace(made, place)
        return text

    error.expression = sent(error.expression or "") or None
    if isinstance(error, Unprocessable):
        found = [one for one in error.issues if isinstance(one, Issue)]
        error.issues = tuple(replace(one, expression=sent(one.expression)) for one in found)


def envelope(request: FhirRequest, document: EnvelopeEntry, octets: EnvelopeEntry) -> Envelope:
    """Return the Bundle that provides one document: its DocumentReference, and what this leads to."""
    tree = orjson.loads(document.resource or b"")
    first = entry(a_urn(), submission_set(request, tree, document.full_url or ""))
    return Envelope("transaction", (first, document, octets), {"resourceType": "Bundle", "type": "transaction"})
