"""The addresses and codes of the FHIR form of a manifest: the one place to change with the profile's next edition.

https://profiles.ihe.net/RAD/MADO, ihe.rad.mado 0.1.0
"""

from typing import Any

from app.imaging.reports.codes import SYSTEMS

MADO = "https://profiles.ihe.net/RAD/MADO"
_DEFINITION = f"{MADO}/StructureDefinition"

BUNDLE_PROFILE = f"{_DEFINITION}/MadoFhirBundle"
ANATOMICAL_REGION = f"{_DEFINITION}/MadoAnatomicalRegionExtension"
NUMBER_OF_FRAMES = f"{_DEFINITION}/MadoNumberOfFrames"
DOCUMENT_TITLE = f"{_DEFINITION}/MadoKeyObjectDocumentTitle"
RETRIEVE_LOCATION_UID = f"{_DEFINITION}/MadoRetrieveLocationUIDExtension"
DOCUMENT_MODALITY = f"{_DEFINITION}/ext-R5-DocumentReference.modality"
DOCUMENT_BODY_SITE = f"{_DEFINITION}/ext-R5-DocumentReference.bodySite"
CONTENT_PROFILE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DocumentReference.content.profile"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

DCM = "http://dicom.nema.org/resources/ontology/DCM"
SNOMED_CT = "http://snomed.info/sct"
IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"
CONNECTION_TYPE = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
VIEWER_TYPE = f"{MADO}/CodeSystem/MadoEndpointConnectionTypes"
URI = "urn:ietf:rfc:3986"
DICOM_UID = "urn:dicom:uid"
AE_TITLE = "http://renkei.example/fhir/NamingSystem/ae-title"
"""Of the AE title of a series' archive, for which FHIR has no place."""

SCHEMES = {**SYSTEMS, "ICD10": "http://hl7.org/fhir/sid/icd-10"}
"""From a Coding Scheme Designator to the system of FHIR (PS3.16 8)."""
SCHEME_PREFIX = "http://renkei.example/fhir/CodeSystem/dicom-scheme/"
"""Before a designator that is not of the table."""

NOT_SPECIFIED = "http://notspecified"
"""The address of a WADO-RS service that is known by its location only."""

WADO_MIME_TYPES = (
    *("application/dicom", "application/octet-stream", "application/dicom+xml", "application/dicom+json"),
    *("application/json", "image/jpeg", "image/png"),
)
"""What the profile of the endpoint asks for, and what is rendered here."""

FHIR_FORMAT = {
    "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
    "code": "urn:ihe:rad:MADO:fhir-manifest:2026",
}
KOS_FORMAT = {
    "system": "http://dicom.nema.org/resources/ontology/DCMUID",
    "code": "1.2.840.10008.5.1.4.1.1.88.59",
    "display": "Key Object Selection Document",
}

DOCUMENT_TYPE = {
    "coding": [{"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}],
}
DOCUMENT_CATEGORY = {
    "coding": [
        {
            "system": "http://hl7.eu/fhir/eu-health-data-api/CodeSystem/eehrxf-document-priority-category-cs",
            "code": "Medical-Imaging",
            "display": "Medical-Imaging",
        }
    ]
}
CREATOR = {
    "coding": [{"system": f"{MADO}/CodeSystem/MadoDeviceType", "code": "mado-creator", "display": "MADO Creator"}]
}
IMAGING = {"coding": [{"system": SNOMED_CT, "code": "363679005", "display": "Imaging"}]}
NO_PAYLOAD = {
    "system": "http://terminology.hl7.org/CodeSystem/endpoint-payload-type",
    "code": "none",
    "display": "None",
}

STUDY_TYPE = {"coding": [{"system": DCM, "code": "110180", "display": "Study Instance UID"}]}
ACCESSION_TYPE = {
    "coding": [
        {"system": DCM, "code": "121022", "display": "Accession Number"},
        {"system": IDENTIFIER_TYPE, "code": "ACSN", "display": "Accession ID"},
    ]
}
PLACER_TYPE = {"coding": [{"system": IDENTIFIER_TYPE, "code": "PLAC", "display": "Placer Identifier"}]}
FILLER_TYPE = {"coding": [{"system": IDENTIFIER_TYPE, "code": "FILL", "display": "Filler Identifier"}]}
RECORD_NUMBER_TYPE = {"coding": [{"system": IDENTIFIER_TYPE, "code": "MR", "display": "Medical record number"}]}
PROCEDURE_ID_TYPE = {"text": "Requested Procedure ID"}


def unknown() -> dict[str, Any]:
    """Return what stands in place of a value that is required and not known."""
    return {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
