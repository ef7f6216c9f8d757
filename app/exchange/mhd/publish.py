"""Simplified Publish (ITI-105): a DocumentReference that holds the document itself.

The hub keeps the bytes as a Binary, says their size and hash, and makes the SubmissionSet. What the sender wrote is
kept too, and had by `$original`.
https://profiles.ihe.net/ITI/MHD/ITI-105.html
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from app.exchange.mhd.attachments import attachment_of, octets_of, sha1, states
from app.exchange.mhd.made import DOCUMENT, a_urn, entry, envelope, place_at
from app.exchange.mhd.profiles import DEFINITIONS, SIMPLIFIED, profiles_of
from app.exchange.mhd.provide import carried_out, read_provided
from app.exchange.mhd.providing import Providing
from app.exchange.mhd.refusing import refuse
from app.packages.loaded import Profiles
from app.records.checked import checked
from app.records.prepare import check_profiles, check_structure
from app.records.request import FhirRequest
from app.records.response import Response
from app.records.scoped import check_creation
from app.records.written import written_response
from fhir.errors import FhirError, NotSupported
from fhir.exact import read, write
from fhir.issue import Issue
from fhir.resource import parse

MINIMAL = f"{DEFINITIONS}/IHE.MHD.Minimal.DocumentReference"

_ITSELF = "DocumentReference"
_PLACE = f"Bundle.entry[{DOCUMENT}].resource"


def is_simplified(resource: Mapping[str, Any]) -> bool:
    """Return whether a resource says that it is published in the simplified way."""
    return resource.get("resourceType") == "DocumentReference" and SIMPLIFIED in profiles_of(resource)


def _rules(document: Mapping[str, Any]) -> Iterator[Issue]:
    """Yield what is wrong with a DocumentReference that holds its document."""
    attachment, place = attachment_of(document), "DocumentReference.content[0].attachment"
    for name in ("subject", "masterIdentifier"):
        if name not in document:
            yield Issue("error", "required", f"DocumentReference.{name}", f"{name} is required here")
    if "identifier" in document:
        yield Issue("error", "structure", "DocumentReference.identifier", "The hub gives the entry its identifier")
    if document.get("status") != "current":
        yield Issue("error", "value", "DocumentReference.status", "What is published is current")
    if "data" not in attachment:
        yield Issue("error", "required", f"{place}.data", "The document itself is required here")
    if "url" in attachment:
        yield Issue("error", "structure", f"{place}.url", "The document is held here, and nowhere else")
    if "data" in attachment:
        yield from states(attachment, octets_of(attachment), place)


def _without_data(body: bytes, url: str) -> tuple[bytes, bytes]:
    """Return a DocumentReference that leads to its bytes, and the Binary that holds them."""
    tree = read(body)
    attachment = tree["content"][0]["attachment"]
    octets = octets_of(attachment)
    binary = {"resourceType": "Binary", "contentType": attachment["contentType"], "data": attachment.pop("data")}
    attachment |= {"url": url, "size": len(octets), "hash": sha1(octets)}
    named = [MINIMAL if one.partition("|")[0] == SIMPLIFIED else one for one in tree["meta"]["profile"]]
    tree["meta"]["profile"] = list(dict.fromkeys(named))
    return write(tree), write(binary)


def _read(request: FhirRequest, body: bytes, resource: dict[str, Any], profiles: Profiles) -> Providing:
    check_structure(resource)
    refuse([*_rules(resource)])
    check_profiles(resource, "", profiles)
    url = a_urn()
    document, binary = _without_data(body, url)
    source = body if request.source is None else request.source
    return read_provided(
        request, envelope(request, entry(a_urn(), document, source), entry(url, binary)), "minimal", profiles
    )


async def publish(request: FhirRequest, body: bytes) -> Response:
    """Take a document that its DocumentReference holds.

    Raises:
        FhirError: it is refused; nothing was written.
    """
    request.interaction = "publish"
    check_creation(request, ("DocumentReference", "List", "Binary"))
    if b"if-none-exist" in request.headers:
        raise NotSupported("A document is known by its masterIdentifier, and is not published twice", "If-None-Exist")
    resource = parse(body)
    profiles = await request.hub.profiles(body)
    try:
        providing = await checked(request.hub, partial(_read, request, body, resource, profiles), len(body))
        await carried_out(request, providing)
    except FhirError as error:
        place_at(error, {f"{_PLACE}.DocumentReference": _ITSELF, _PLACE: _ITSELF})
        raise
    stored = providing.done[DOCUMENT]
    if stored is None:
        raise AssertionError("A document that was published was not written")
    return written_response(request, stored, 200 if providing.is_again(DOCUMENT) else 201, ())
