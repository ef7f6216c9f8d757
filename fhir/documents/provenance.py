"""The Provenance of what was extracted from a document, and of a document that was put together.

One a document: the targets are all its resources, or the entities all its parts.

https://profiles.ihe.net/ITI/mXDE/StructureDefinition-IHE.ITI.mXDE.Provenance.html
"""

from collections.abc import Sequence
from typing import Any

POLICY = "urn:ihe:iti:mxde:2023:document-provenance-policy"
MADE_OF = "http://renkei.example/fhir/policy/made-of"
"""Under which the hub keeps a document that it puts together: a label of a part is one of the whole."""

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
    return _provenance(POLICY, targets, [source], recorded, organization, version)


def made_of(
    targets: Sequence[str], sources: Sequence[str], *, recorded: str, organization: str, version: str
) -> dict[str, Any]:
    """Return the Provenance of a document that was put together of resources.

    Args:
        targets: References to the document, and to what describes it.
        sources: References to its parts.
        recorded: When it was put together, an instant.
        organization: Reference to the Organization on whose behalf the hub did.
        version: The hub's version.

    Raises:
        ValueError: There is no target.
    """
    return _provenance(MADE_OF, targets, sources, recorded, organization, version)


def _provenance(
    policy: str, targets: Sequence[str], sources: Sequence[str], recorded: str, organization: str, version: str
) -> dict[str, Any]:
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
        "policy": [policy],
        "activity": {"coding": [{"system": _ACTIVITY, "code": "Derivation"}]},
        "agent": [
            {
                "type": {"coding": [{"system": _PARTICIPANT, "code": "assembler"}]},
                "who": {"reference": "#hub"},
                "onBehalfOf": {"reference": organization},
            }
        ],
        "entity": [{"role": "source", "what": {"reference": source}} for source in sources],
    }
