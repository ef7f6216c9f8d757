"""The category of a resource: what kind of data it is, as grants and roles speak of it.

Consent names categories rather than types: "laboratory results" are Observations, DiagnosticReports and Specimens.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class Category(IntEnum):
    """A kind of data; the numbers are stored, and 0 stands for any of them in a grant."""

    DIRECTORY = 1
    IDENTITY = 2
    PROBLEM = 3
    ALLERGY = 4
    MEDICATION = 5
    LABORATORY = 6
    VITAL_SIGN = 7
    IMAGING = 8
    DOCUMENT = 9
    PROCEDURE = 10
    IMMUNIZATION = 11
    ENCOUNTER = 12
    CARE_PLAN = 13
    CONSENT = 14
    AUDIT = 15
    OTHER = 16


_TYPES: dict[Category, tuple[str, ...]] = {
    Category.DIRECTORY: (
        *("Organization", "OrganizationAffiliation", "Practitioner", "PractitionerRole", "Location"),
        *("HealthcareService", "Endpoint", "CapabilityStatement", "CodeSystem", "ValueSet", "ConceptMap"),
        *("NamingSystem", "StructureDefinition", "SearchParameter", "OperationDefinition", "StructureMap"),
        *("ImplementationGuide", "CompartmentDefinition", "TerminologyCapabilities", "MessageDefinition"),
    ),
    Category.IDENTITY: ("Patient", "RelatedPerson", "Person", "Coverage", "Account"),
    Category.PROBLEM: ("Condition", "ClinicalImpression", "FamilyMemberHistory", "RiskAssessment", "Flag"),
    Category.ALLERGY: ("AllergyIntolerance", "AdverseEvent"),
    Category.MEDICATION: (
        *("Medication", "MedicationRequest", "MedicationDispense", "MedicationAdministration"),
        *("MedicationStatement", "MedicationKnowledge"),
    ),
    Category.LABORATORY: ("Specimen",),
    Category.IMAGING: ("ImagingStudy", "Media", "BodyStructure"),
    Category.DOCUMENT: ("DocumentReference", "DocumentManifest", "Composition", "Bundle", "Binary"),
    Category.PROCEDURE: ("Procedure",),
    Category.IMMUNIZATION: ("Immunization", "ImmunizationEvaluation", "ImmunizationRecommendation"),
    Category.ENCOUNTER: ("Encounter", "EpisodeOfCare", "Appointment", "AppointmentResponse"),
    Category.CARE_PLAN: ("CarePlan", "CareTeam", "Goal", "NutritionOrder"),
    Category.CONSENT: ("Consent",),
    Category.AUDIT: ("AuditEvent",),
}

BY_TYPE = {type_name: category for category, types in _TYPES.items() for type_name in types}
"""The category of each type that has one whatever its content."""

_CODES = {
    "laboratory": Category.LABORATORY,
    "LAB": Category.LABORATORY,
    "vital-signs": Category.VITAL_SIGN,
    "imaging": Category.IMAGING,
    "RAD": Category.IMAGING,
    "procedure": Category.PROCEDURE,
}
"""Codes of observation-category and of HL7 table 0074 that say more than the type."""


def category(resource: Mapping[str, Any]) -> Category:
    """Return the category of a resource that has been checked."""
    found = BY_TYPE.get(resource["resourceType"])
    if found is not None:
        return Category.IMAGING if found is Category.DOCUMENT and _is_of_images(resource) else found
    if resource["resourceType"] == "Provenance":
        return Category.IMAGING if _names_study(resource) else Category.OTHER
    for concept in resource.get("category") or ():
        if isinstance(concept, dict):
            for coding in concept.get("coding") or ():
                if (code := _CODES.get(coding.get("code"))) is not None:
                    return code
    return Category.OTHER


_DICOM = "application/dicom"
_MANIFEST_FORMAT = "urn:ihe:rad:MADO:"
_MANIFEST_PROFILE = "https://profiles.ihe.net/RAD/MADO/StructureDefinition/"


def _members(node: Any) -> list[Mapping[str, Any]]:
    """Return the objects of an element, which may be one or several, or of no such type."""
    return [one for one in (node if isinstance(node, list) else [node]) if isinstance(one, dict)]


def _is_of_images(resource: Mapping[str, Any]) -> bool:
    """Return whether a document is an instance of DICOM, or the manifest of a study in its FHIR form, or leads to one.

    Whoever sees no images sees nothing of it.
    """
    if resource["resourceType"] == "Binary":
        return bool(resource.get("contentType") == _DICOM)
    if resource["resourceType"] == "Bundle":
        profiles = [one for meta in _members(resource.get("meta")) for one in meta.get("profile") or ()]
        return any(isinstance(one, str) and one.startswith(_MANIFEST_PROFILE) for one in profiles)
    contents = _members(resource.get("content")) if resource["resourceType"] == "DocumentReference" else []
    attachments = [one for content in contents for one in _members(content.get("attachment"))]
    formats = [one for content in contents for one in _members(content.get("format"))]
    return any(one.get("contentType") == _DICOM for one in attachments) or any(
        str(one.get("code")).startswith(_MANIFEST_FORMAT) for one in formats
    )


def _names_study(provenance: Mapping[str, Any]) -> bool:
    """Return whether a Provenance is about an ImagingStudy, or about what was made of one."""
    named = [*_members(provenance.get("target")), *(one.get("what") for one in _members(provenance.get("entity")))]
    links = [str(one.get("reference")) for one in named if isinstance(one, dict)]
    return any(link.startswith("ImagingStudy/") or "/ImagingStudy/" in link for link in links)
