"""The metadata of a FHIR document: what its Composition says of it.

https://profiles.ihe.net/PCC/IPS/pcc.html, https://hl7.org/fhir/R4/composition-mappings.html
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fhir.documents.metadata.bytes import FORMAT, URI, name_of

Tree = Mapping[str, Any]

_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})")
_SOURCE = ("identifier", "name", "gender", "birthDate", "address")
"""What of a Patient is kept as it was when the document was made."""

_AUTHORS = ("Practitioner", "PractitionerRole", "Organization", "Device", "RelatedPerson")
_RELATIONS = {"replaces": "replaces", "transforms": "transforms", "signs": "signs", "appends": "appends"}


def _named(entries: Iterable[Tree]) -> dict[str, Tree]:
    """Return the entries by what refers to them: the fullUrl, and type and id."""
    found: dict[str, Tree] = {}
    for entry in entries:
        resource = entry.get("resource", {})
        found.setdefault(f"{resource.get('resourceType')}/{resource.get('id')}", entry)
        if "fullUrl" in entry:
            found[entry["fullUrl"]] = entry
    return found


def _contained(resource: Tree, id_: str) -> dict[str, Any]:
    kept = {name: value for name, value in resource.items() if name not in ("meta", "text", "contained")}
    # What it refers to is in the document, and not beside it.
    kept = {name: value for name, value in kept.items() if name not in ("managingOrganization", "partOf", "endpoint")}
    return {**kept, "id": id_}


def _authors(composition: Tree, named: Mapping[str, Tree]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return who wrote a document, as what is contained and as references."""
    contained, references = [], []
    for number, one in enumerate(composition.get("author", ())):
        resource = named.get(one.get("reference", ""), {}).get("resource", {})
        if resource.get("resourceType") in _AUTHORS and resource["resourceType"] != "PractitionerRole":
            contained.append(_contained(resource, f"author{number}"))
            references.append({"reference": f"#author{number}"})
        elif text := one.get("display"):
            references.append({"display": text})
    return contained, references


def relations(composition: Tree) -> list[tuple[str, Tree]]:
    """Return how a document relates to others: the code, and the other one's identifier."""
    return [
        (_RELATIONS[one["code"]], one["targetIdentifier"])
        for one in composition.get("relatesTo", ())
        if one.get("code") in _RELATIONS and "targetIdentifier" in one
    ]


def _context(composition: Tree) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for event in composition.get("event", ())[:1]:
        if "code" in event:
            found["event"] = event["code"]
        if "period" in event:
            found["period"] = event["period"]
    return found


def _identifier(bundle: Tree, body: bytes, owner: str) -> dict[str, Any]:
    stated = bundle.get("identifier", {})
    if stated.get("system") and stated.get("value"):
        return {"use": "usual", "system": stated["system"], "value": stated["value"]}
    return {"use": "usual", "system": URI, "value": name_of(body, owner)}


def bundle_metadata(bundle: Tree, body: bytes, owner: str, content_type: str) -> dict[str, Any]:
    """Return the DocumentReference of a document, without the attachment's url and what it relates to.

    Args:
        bundle: The document, checked: its first entry is the Composition, and it holds one Patient.
        body: Its bytes.
        owner: A text that tells one owner's documents from another's.
        content_type: The media type that it was sent as.
    """
    entries: Sequence[Tree] = bundle["entry"]
    composition: Tree = entries[0]["resource"]
    named = _named(entries)
    patient = named.get(composition.get("subject", {}).get("reference", ""), {})
    contained, authors = _authors(composition, named)
    source = {name: patient["resource"][name] for name in _SOURCE if name in patient.get("resource", {})}
    contained.append({"resourceType": "Patient", "id": "source", **source})
    dates = [composition.get("date") or "", bundle.get("timestamp") or ""]
    date = next((one for one in dates if _INSTANT.fullmatch(one)), None)
    language = composition.get("language") or bundle.get("language")
    attachment = {"contentType": content_type, "language": language, "title": composition.get("title")}
    attachment["creation"] = bundle.get("timestamp") or composition.get("date")
    found = {
        "resourceType": "DocumentReference",
        "contained": contained,
        "masterIdentifier": _identifier(bundle, body, owner),
        "status": "current",
        "type": composition.get("type"),
        "category": (composition.get("category") or [composition.get("type")])[:1],
        "subject": {"reference": patient.get("fullUrl", "")},
        "date": date,
        "author": authors,
        "description": composition.get("title"),
        "securityLabel": [{"coding": [{"system": _CONFIDENTIALITY, "code": composition.get("confidentiality", "N")}]}],
        "content": [{"attachment": {name: value for name, value in attachment.items() if value}, "format": FORMAT}],
        "context": {**_context(composition), "sourcePatientInfo": {"reference": "#source"}},
    }
    return {name: value for name, value in found.items() if value}
