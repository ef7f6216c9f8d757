"""Generate Metadata (ITI-106): a document without metadata is filed with those that it says of itself.

https://profiles.ihe.net/ITI/MHD/ITI-106.html
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from app.exchange.mhd.attachments import media_type, octets_of
from app.exchange.mhd.made import BYTES, DOCUMENT, a_urn, entry, envelope, place_at
from app.exchange.mhd.provide import carried_out, read_provided
from app.exchange.mhd.providing import Providing
from app.exchange.mhd.refusing import refuse_for
from app.identity.known import known_patient
from app.packages.loaded import Profiles
from app.records.checked import checked
from app.records.own import by_identifier
from app.records.parameters import parameters_of
from app.records.prepare import check_structure
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.scoped import check_creation
from fhir.documents.metadata.bundle import bundle_metadata, relations
from fhir.documents.metadata.bytes import bytes_metadata
from fhir.documents.metadata.cda import NoDocument, cda_metadata, cda_relations, patient_identifiers
from fhir.errors import FhirError, InvalidValue, NotFound, Unprocessable
from fhir.members import items, value_of

_PLACE = "Parameters.parameter[0].resource"

_XML = ("text/xml", "application/xml", "application/hl7-cda+xml")
"""Media types of what may be CDA."""

Relations = Sequence[tuple[str, Mapping[str, Any]]]


def _document_of(body: bytes) -> tuple[bytes, dict[str, Any]]:
    """Return the one document in Parameters: its bytes, and its tree.

    Raises:
        InvalidValue: there is none, or more than that.
    """
    found = parameters_of(body)
    if len(found) != 1 or found[0].get("name") != "document" or "resource" not in found[0]:
        raise InvalidValue("There is one parameter, document, which holds a resource", "Parameters.parameter")
    tree: dict[str, Any] = found[0]["resource"]
    is_document = tree["resourceType"] == "Bundle" and tree.get("type") == "document"
    if tree["resourceType"] != "Binary" and not is_document:
        raise InvalidValue("The document is a Binary, or a Bundle of type document", _PLACE)
    (parameter,) = items(value_of(body, "parameter"))
    return value_of(parameter, "resource"), tree


def _of_bundle(bundle: dict[str, Any], body: bytes, owner: str, kind: str) -> tuple[dict[str, Any], Relations]:
    entries = bundle.get("entry", ())
    composition = entries[0].get("resource", {}) if entries else {}
    if composition.get("resourceType") != "Composition":
        raise Unprocessable("A document begins with its Composition.", f"{_PLACE}.entry[0].resource")
    return bundle_metadata(bundle, body, owner, kind), relations(composition)


async def _of_binary(request: FhirRequest, binary: Mapping[str, Any], owner: str) -> tuple[dict[str, Any], Relations]:
    octets, kind = octets_of(binary), str(binary["contentType"])
    if media_type(kind) not in _XML:
        made = bytes_metadata(octets, kind, owner)
        link = binary.get("securityContext", {}).get("reference", "")
        return (made | {"subject": {"reference": link}} if link.startswith("Patient/") else made), ()
    try:
        made, related = cda_metadata(octets, kind, owner), cda_relations(octets)
        stated = patient_identifiers(octets)
    except NoDocument as error:
        raise Unprocessable(str(error), f"{_PLACE}.data") from None
    known = await known_patient(request.hub.database.reader, {"identifier": stated}, request.authority.custodian)
    if known is None:
        text = "The document is about no Patient whom this site has"
        refuse_for("not-found", f"{_PLACE}.data", text)
    return made | {"subject": {"reference": f"Patient/{known[0]}"}}, related


async def _related(request: FhirRequest, related: Relations) -> list[dict[str, Any]]:
    """Return the relations to documents that the site has; of others the document itself tells."""
    found: list[dict[str, Any]] = []
    for code, identifier in related:
        kept = await by_identifier(request, "DocumentReference", identifier)
        current = [one for one in kept if orjson.loads(one.body).get("status") == "current"]
        found += [{"code": code, "target": {"reference": f"DocumentReference/{one.id}"}} for one in current]
    return found


def _read(request: FhirRequest, body: bytes, metadata: dict[str, Any], profiles: Profiles) -> Providing:
    url = a_urn()
    metadata["content"][0]["attachment"]["url"] = url
    document = entry(a_urn(), orjson.dumps(metadata))
    return read_provided(request, envelope(request, document, entry(url, body)), "minimal", profiles)


async def generate_metadata(request: FhirRequest) -> Response:
    """File a document, make its DocumentReference, and answer where this is.

    Raises:
        FhirError: the document is refused; nothing was written.
    """
    if request.type != "DocumentReference":
        raise NotFound("$generate-metadata is asked of DocumentReference")
    request.check_content_type()
    check_creation(request, ("DocumentReference", "List"))
    request.interaction, request.action = "generate-metadata", "C"
    body, tree = _document_of(await request.body(request.hub.settings.bundle_bytes))
    check_structure(tree, _PLACE, entries=True)
    owner = f"{request.hub.settings.fhir_address}/{request.caller.organisation_reference}"
    if tree["resourceType"] == "Bundle":
        kind = "application/fhir+xml" if request.source is not None else "application/fhir+json"
        metadata, related = _of_bundle(tree, body, owner, kind)
    else:
        metadata, related = await _of_binary(request, tree, owner)
    if to := await _related(request, related):
        metadata["relatesTo"] = to
    profiles = await request.hub.profiles(body)
    try:
        providing = await checked(request.hub, partial(_read, request, body, metadata, profiles), len(body))
        await carried_out(request, providing)
    except FhirError as error:
        place_at(error, {f"Bundle.entry[{BYTES}].resource": _PLACE, f"Bundle.entry[{DOCUMENT}].resource": _PLACE})
        raise
    stored = providing.done[DOCUMENT]
    reference = f"{request.hub.settings.fhir_address}/DocumentReference/{stored.id if stored is not None else ''}"
    answer = {"name": "DocumentReference", "valueReference": {"reference": reference}}
    return fhir_response(orjson.dumps({"resourceType": "Parameters", "parameter": [answer]}))
