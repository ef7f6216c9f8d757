"""The DocumentReference of a document that came as a Bundle: what is looked for among documents (ITI-67).

Size and hash are left out, as MHD says for FHIR documents: what is served is the resource, in the form that is asked
for. https://profiles.ihe.net/ITI/MHD/StructureDefinition-IHE.MHD.Minimal.DocumentReference.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fhir.documents.kind import profiles

CONTENT_TYPE = "application/fhir+json"
_URI = "urn:ietf:rfc:3986"
_BY_TYPE = {
    "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
    "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
}


def document_reference(
    bundle: Mapping[str, Any],
    composition: Mapping[str, Any],
    *,
    links: Mapping[str, str],
    address: str,
    patient: str,
    organization: str,
    head: str,
    labels: Sequence[Mapping[str, Any]],
    status: str = "current",
) -> dict[str, Any]:
    """Return the DocumentReference of a document.

    Args:
        bundle: The Bundle, or all of it but its entries.
        composition: The Composition as it was sent.
        links: From the Composition's links to the references that are stored.
        address: Reference to the Bundle, `Bundle/1`.
        patient: Reference to the Patient.
        organization: Reference to the Organization that keeps it.
        head: Reference to the stored Composition; empty when its site has deleted that.
        labels: The security labels of the document.
        status: `current`, or `superseded` and `entered-in-error` for one that holds no more.
    """
    attachment = {
        "contentType": CONTENT_TYPE,
        "language": composition.get("language"),
        "url": address,
        "title": composition.get("title"),
        "creation": composition.get("date"),
    }
    context = {
        "event": [code for event in composition.get("event", ()) for code in event.get("code", ())],
        "period": next((event["period"] for event in composition.get("event", ()) if "period" in event), None),
        "related": [{"reference": head}] if head else [],
    }
    made = {
        "resourceType": "DocumentReference",
        "masterIdentifier": bundle.get("identifier"),
        "identifier": [composition["identifier"]] if "identifier" in composition else [],
        "status": status,
        "type": composition.get("type"),
        "category": composition.get("category"),
        "subject": {"reference": patient},
        "date": bundle.get("timestamp"),
        "author": [_resolved(one, links) for one in composition.get("author", ())],
        "custodian": {"reference": organization},
        "description": composition.get("title"),
        "securityLabel": [{"coding": [label]} for label in labels if label.get("system") or label.get("code")],
        "content": [{"attachment": _said(attachment), "format": _format(bundle)}],
        "context": _said(context),
    }
    return _said(made)


def _said(element: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in element.items() if value not in (None, [], "", {})}


def _resolved(reference: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    link = reference.get("reference")
    return {**reference, "reference": links[link]} if isinstance(link, str) and link in links else dict(reference)


def _format(bundle: Mapping[str, Any]) -> Mapping[str, str]:
    named = profiles(bundle)
    return {"system": _URI, "code": named[0]} if named else _BY_TYPE
