"""The transactions of IHE that are scopes of IUA, and what each opens: (context, type, letters).

A scope that names a transaction is translated, once, to what the transaction needs; so it is enforced where the scopes
of SMART are. https://profiles.ihe.net/ITI/IUA/index.html, each transaction's page for what it reads and writes.
"""

_DOCUMENTS = ("DocumentReference", "List", "Binary", "Bundle")
_PARTIES = ("Practitioner", "PractitionerRole", "Organization", "Device", "RelatedPerson")

SSMIX2 = "ssmix2"
"""The scope of a gateway that sends files of an SS-MIX2 store: no transaction of IHE, but translated as they are."""

_OF_FILES = (
    *("Patient", "RelatedPerson", "Coverage", "Encounter", "AllergyIntolerance", "Condition", "NutritionOrder"),
    *("MedicationRequest", "MedicationAdministration", "ServiceRequest", "DiagnosticReport", "Observation", "Specimen"),
    *("Procedure", "ImagingStudy", "CareTeam", "DocumentReference", "Binary", "Provenance"),
)
"""What files become; docs/hl7v2.md."""
EXISTING_DATA = (
    *("Observation", "AllergyIntolerance", "Condition", "DiagnosticReport", "MedicationStatement", "MedicationRequest"),
    *("Immunization", "Procedure", "Encounter"),
)
"""What QEDm's options search. https://profiles.ihe.net/PCC/QEDm/PCC-44.html"""

TRANSACTIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "ITI-20": (("system", "AuditEvent", "c"),),
    "ITI-65": (
        *(("system", name, "cu") for name in (*_DOCUMENTS, "Patient", "Provenance")),
        # Authors that are referred to must be there.
        *(("system", name, "r") for name in _PARTIES),
    ),
    "ITI-66": (("system", "List", "rs"),),
    "ITI-67": (("system", "DocumentReference", "rs"),),
    "ITI-68": (("system", "Binary", "r"), ("system", "Bundle", "r")),
    "ITI-78": (("system", "Patient", "rs"),),
    "ITI-81": (("system", "AuditEvent", "rs"),),
    "ITI-83": (("system", "Patient", "rs"),),
    "ITI-90": (
        *(
            ("system", name, "rs")
            for name in ("Organization", "OrganizationAffiliation", "Location", "Practitioner", "PractitionerRole")
        ),
        *(("system", name, "rs") for name in ("HealthcareService", "Endpoint")),
    ),
    "ITI-93": (("system", "Patient", "cud"), ("system", "RelatedPerson", "cud")),
    # A feed is conditional: what it writes is searched for.
    "ITI-104": (("system", "Patient", "cuds"),),
    "ITI-105": (("system", "DocumentReference", "cu"), ("system", "List", "cu"), ("system", "Binary", "c")),
    "ITI-106": (
        *(("system", name, "cu") for name in ("DocumentReference", "List")),
        *(("system", name, "c") for name in ("Binary", "Bundle", "Provenance")),
    ),
    "ITI-108": (("system", "Consent", "cruds"),),
    "ITI-119": (("system", "Patient", "rs"),),
    SSMIX2: (*(("system", name, "cud") for name in _OF_FILES),),
    "PCC-44": (*(("system", name, "rs") for name in (*EXISTING_DATA, "Medication", "Provenance")),),
}
"""By the transaction's number, and the gateway's scope."""
