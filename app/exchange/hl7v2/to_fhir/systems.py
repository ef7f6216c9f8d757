"""Names of coding systems in messages, and their URIs in FHIR.

HL7 2.5 table 0396; JAHIS and SS-MIX2 coding systems; JP Core.
"""

STANDARD = {
    "MDCDX2": "http://medis.or.jp/CodeSystem/master-disease-keyNumber",
    "MDCDX": "http://medis.or.jp/CodeSystem/master-disease-keyNumber",
    "MDCMD2": "http://medis.or.jp/CodeSystem/master-disease-modKeyNumber",
    "I10": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full",
    "I10P": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full",
    "ICD10": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full",
    "JC10": "http://medis.or.jp/CodeSystem/master-JLAC10-17digits",
    "JLAC10": "http://medis.or.jp/CodeSystem/master-JLAC10-17digits",
    "LN": "http://loinc.org",
    "HOT7": "http://medis.or.jp/CodeSystem/master-HOT7",
    "HOT9": "http://medis.or.jp/CodeSystem/master-HOT9",
    "HOT13": "http://medis.or.jp/CodeSystem/master-HOT13",
    "HOT": "http://medis.or.jp/CodeSystem/master-HOT9",
    "YJ": "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code",
    "MR9P": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUnitMERIT9Code",
    "MEDU": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUnitMERIT9Code",
    "JAMISDP01": "http://jami.jp/CodeSystem/MedicationUsage",
    "UCUM": "http://unitsofmeasure.org",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "SCT": "http://snomed.info/sct",
}
"""URIs by the names that messages of Japan use; of several names of one, the first is written."""

KEY_NUMBER = STANDARD["MDCDX2"]
EXCHANGE_CODE = "http://medis.or.jp/CodeSystem/master-disease-exCode"
MODIFIER_KEY_NUMBER = STANDARD["MDCMD2"]
MODIFIER_EXCHANGE_CODE = "http://medis.or.jp/CodeSystem/master-disease-modExCode"
DEPARTMENT = "http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment"
UCUM = STANDARD["UCUM"]
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
"""Before the names of HL7's own code systems."""

CORE = "http://jpfhir.jp/fhir/core/"
"""Before the names that JP Core gives."""

EXTENSION = f"{CORE}Extension/StructureDefinition/"
MHLW_IDENTIFIER = f"{CORE}mhlw/IdSystem/"
INSTANCE = f"{CORE}IdSystem/resourceInstance-identifier"
"""Of the identifier that tells a resource from the others of its type."""
