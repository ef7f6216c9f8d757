"""Terms: the code and identifier systems of JP Core and JP-CLINS, and the FHIR shapes they appear in.

https://jpfhir.jp/fhir/core/ and https://jpfhir.jp/fhir/clins/igv1/
"""

from typing import Any

Json = dict[str, Any]
"""A FHIR resource or element, as `json` reads and writes it."""

CORE = "http://jpfhir.jp/fhir/core"
CLINS = "http://jpfhir.jp/fhir/clins"
ECS = "http://jpfhir.jp/fhir/eCS"
COMMON = "http://jpfhir.jp/fhir/Common/CodeSystem"
HL7 = "http://terminology.hl7.org/CodeSystem"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"

PATIENT_NUMBER = "urn:oid:1.2.392.100495.20.3.51.1"
"""Followed by the 10 digits of the institution: the patient numbers of that institution."""
STAFF_NUMBER = "urn:oid:1.2.392.100495.20.3.41.1"
"""Followed by the 10 digits of the institution: the staff numbers of that institution."""
MEMBER_ID = f"{CLINS}/Idsystem/JP_Insurance_memberID"
INSTITUTION = f"{CORE}/IdSystem/insurance-medical-institution-no"
INSTITUTION_7 = f"{CORE}/mhlw/IdSystem/MedicalOrganizationID"
INSTANCE = f"{CORE}/IdSystem/resourceInstance-identifier"
BUNDLE = f"{CLINS}/bundle-identifier"

ICD10 = f"{CORE}/mhlw/CodeSystem/ICD10-2013-full"
KEY_NUMBER = "http://medis.or.jp/CodeSystem/master-disease-keyNumber"
JLAC10 = "http://medis.or.jp/CodeSystem/master-JLAC10-17digits"
JLAC10_CORE = f"{CLINS}/CodeSystem/JLAC10/JP_CLINS_ObsLabResult_CoreLabo_CS"
LAB_LOCAL = f"{CLINS}/CodeSystem/JP_CLINS_ObsLabResult_LocalCode_CS"
LAB_UNCODED = f"{CLINS}/CodeSystem/JP_CLINS_ObsLabResult_Uncoded_CS"
YJ = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code"
HOT9 = "http://medis.or.jp/CodeSystem/master-HOT9"
GENERIC = f"{CORE}/mhlw/CodeSystem/MedicationGeneralOrderCode"
NOCODED = f"{ECS}/CodeSystem/MedicationCodeNocoded_CS"
USAGE = "http://jami.jp/CodeSystem/MedicationUsage"
USAGE_EPRESCRIPTION = f"{CORE}/mhlw/CodeSystem/MedicationUsage_ePrescription"
USAGE_UNCODED = f"{CLINS}/CodeSystem/JP_CLINS_MedicationUsage_Uncoded_CS"
MERIT9 = f"{CORE}/mhlw/CodeSystem/MedicationUnitMERIT9Code"
DEPARTMENT = "http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment"
CATEGORY = f"{CORE}/CodeSystem/JP_SimpleObservationCategory_CS"
INDICATION = f"{CLINS}/CodeSystem/JP_ehrshrs_indication"
SECTION = f"{CLINS}/CodeSystem/document-section"

EXTENSION = f"{CORE}/Extension/StructureDefinition"
INSTITUTION_EXTENSION = f"{CLINS}/Extension/StructureDefinition/JP_eCS_InstitutionNumber"
DEPARTMENT_EXTENSION = f"{ECS}/Extension/StructureDefinition/JP_eCS_Department"
REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def core(profile: str) -> str:
    """Return the URL of a JP Core profile: `JP_Patient`."""
    return f"{CORE}/StructureDefinition/{profile}"


def coding(system: str, code: str, display: str) -> Json:
    """Return a Coding."""
    return {"system": system, "code": code, "display": display}


def concept(*codings: Json, text: str | None = None) -> Json:
    """Return a CodeableConcept; its text is the first coding's display unless given."""
    found: Json = {"coding": list(codings)} if codings else {}
    return found | {"text": text or codings[0]["display"]}


def identifier(system: str, value: str) -> Json:
    """Return an Identifier."""
    return {"system": system, "value": value}


def quantity(value: float, unit: str, code: str, system: str = UCUM) -> Json:
    """Return a Quantity whose unit is coded, in UCUM unless said otherwise."""
    return {"value": value, "unit": unit, "system": system, "code": code}


def narrative(text: str, status: str = "additional") -> Json:
    """Return a Narrative of one paragraph of plain text, escaped for XHTML."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"status": status, "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{escaped}</div>'}


def human_name(family: str, given: str, representation: str) -> Json:
    """Return a HumanName in kanji (`IDE`) or kana (`SYL`), as JP Core writes it."""
    return {
        "extension": [{"url": REPRESENTATION, "valueCode": representation}],
        "use": "official",
        "text": f"{family} {given}",
        "family": family,
        "given": [given],
    }
