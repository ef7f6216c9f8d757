"""The DocumentReference of a patient summary: one that is kept, or one that is made when it is retrieved.

https://profiles.ihe.net/ITI/MHD/StructureDefinition-IHE.MHD.Minimal.DocumentReference.html,
https://profiles.ihe.net/ITI/sIPS/ (metadata as PCC TF-2, section 4.1, says).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fhir.documents.composition import TITLE, TYPE
from fhir.documents.words import Language
from fhir.store.labels import CONFIDENTIALITY

FORMAT = {
    "system": "urn:ietf:rfc:3986",
    "code": "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips",
}
"""By which an International Patient Summary is told from other documents of its type."""

_EVENT = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActClass", "code": "PCPR"}]}
_NORMAL = {"system": CONFIDENTIALITY, "code": "N"}


def entry(
    *,
    number: str,
    address: str,
    patient: str,
    custodian: str,
    now: str,
    language: Language,
    snapshot_of: str = "",
    labels: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """Return the DocumentReference. It has neither size nor hash, as MHD says of FHIR documents and of those on demand.

    Args:
        number: The document's, a URN.
        address: From which it is retrieved.
        patient: Reference to the Patient.
        custodian: Reference to the Organization that keeps it, and stands for what it says.
        now: When the entry is made, an instant; of a snapshot when the document was.
        language: In which the document is written.
        snapshot_of: Reference to the entry on demand that this is a snapshot of; empty for an entry on demand.
        labels: The document's security labels.
    """
    kept = {"creation": now} if snapshot_of else {}
    relates = [{"code": "transforms", "target": {"reference": snapshot_of}}] if snapshot_of else []
    attachment = {"contentType": "application/fhir+json", "language": language, "url": address, **kept}
    return {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"use": "usual", "system": "urn:ietf:rfc:3986", "value": number},
        "status": "current",
        "type": TYPE,
        "category": [TYPE],
        "subject": {"reference": patient},
        "date": now,
        "author": [{"reference": custodian}],
        "custodian": {"reference": custodian},
        **({"relatesTo": relates} if relates else {}),
        "description": TITLE[language],
        "securityLabel": [{"coding": [dict(label)]} for label in (labels or (_NORMAL,))],
        "content": [{"attachment": attachment | {"title": TITLE[language]}, "format": FORMAT}],
        "context": {"event": [_EVENT], **({"period": {"end": now}} if snapshot_of else {})},
    }
