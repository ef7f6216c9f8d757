"""The Provenance of what was extracted from a document: one a document, its targets are all its resources.

https://profiles.ihe.net/ITI/mXDE/StructureDefinition-IHE.ITI.mXDE.Provenance.html
"""

from collections.abc import Sequence
from typing import Any

POLICY = "urn:ihe:iti:mxde:2023:document-provenance-policy"
_ACTIVITY = "http://hl7.org/fhir/w3c-provenance-activity-type"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def provenance(
    targets: Sequence[str], source: str, *, recorded: str, organization: str, version: str
) -> dict[str, Any]:
    """Return the Provenance of the resources that were extracted from one document.

    Args:
        targets: References to all resources that came from the document, `Condition/1`; at least one.
        source: Reference to the document. mXDE asks for its DocumentReference; a Bundle that none describes
            is named by itself.
        recorded: When it was taken apart, an instant.
        organization: Reference to the Organization on whose behalf the hub took it apart.
        version: The hub's version, by which its rules of extraction can be found again.

    Raises:
        ValueError: There is no target.
    """
    if not targets:
        raise ValueError("a Provenance has at least one target")
    hub = {
        "resourceType": "Device",
        "id": "hub",
        "status": "active",
        "deviceName": [{"name": "Renkei", "type": "user-friendly-name"}],
        "version": [{"value": version}],
    }
    return {
        "resourceType": "Provenance",
        "contained": [hub],
        "target": [{"reference": target} for target in targets],
        "recorded": recorded,
        "policy": [POLICY],
        "activity": {"coding": [{"system": _ACTIVITY, "code": "Derivation"}]},
        "agent": [
            {
                "type": {"coding": [{"system": _PARTICIPANT, "code": "assembler"}]},
                "who": {"reference": "#hub"},
                "onBehalfOf": {"reference": organization},
            }
        ],
        "entity": [{"role": "source", "what": {"reference": source}}],
    }
