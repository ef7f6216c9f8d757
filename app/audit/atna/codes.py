"""Code systems as FHIR names them, and as DICOM's audit messages do."""

DCM = "http://dicom.nema.org/resources/ontology/DCM"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"

SYSTEMS = {
    "DCM": DCM,
    "IHE Transactions": "urn:ihe:event-type-code",
    "RFC-3881": ENTITY_ROLE,
    "SCT": "http://snomed.info/sct",
    "LN": "http://loinc.org",
    "restful-interaction": "http://hl7.org/fhir/restful-interaction",
    "audit-event-type": "http://terminology.hl7.org/CodeSystem/audit-event-type",
    "v3-ActReason": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
}
"""By the name in `codeSystemName`."""

NAMES = {system: name for name, system in SYSTEMS.items()}


def name_of(system: str) -> str:
    """Return what DICOM's messages call a code system: its name, the last word of its address, or its OID."""
    return NAMES.get(system) or system.removeprefix("urn:oid:").removeprefix("urn:").rpartition("/")[2]
