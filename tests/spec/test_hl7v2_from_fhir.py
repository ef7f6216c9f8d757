"""Published resources written as messages of HL7 2 and read again."""

from typing import Any

import pytest

from app.exchange.hl7v2.from_fhir.messages import messages
from fhir import exact
from tests.app.exchange.hl7v2.messages import SITE
from tests.app.exchange.hl7v2.test_from_fhir import NOW, again
from tests.spec_data import SPEC_DATA

FACTS = {
    "AllergyIntolerance": ("code", "clinicalStatus", "category", "onsetDateTime"),
    "Condition": ("code", "clinicalStatus", "verificationStatus", "onsetDateTime", "abatementDateTime"),
    "Observation": ("code", "status", "effectiveDateTime", "valueQuantity", "valueString", "valueCodeableConcept"),
    "MedicationRequest": ("medicationCodeableConcept", "authoredOn", "dispenseRequest"),
}
"""What of a resource of others a message says."""


@pytest.mark.parametrize(
    "name",
    [
        "AllergyIntolerance-Example-JP-AllergyIntolerance-eCS-01.json",
        "Condition-Example-JP-Condition-eCS-01.json",
        "Observation-Example-JP-Obs-LabResult-eCS-K.json",
        "MedicationRequest-Example-JP-MedReq-TID-01.json",
    ],
)
def test_the_facts_of_a_published_example_survive_the_way(name):
    example = exact.read((SPEC_DATA / "jp/examples" / name).read_bytes())
    patient = exact.read((SPEC_DATA / "jp/examples/Patient-Example-JP-Patient-standard.json").read_bytes())
    patient["identifier"][0] = {"system": SITE.patient_system, "value": "000999739"}

    written = messages(("Patient/1", patient), {"Thing/1": example}, SITE, NOW)

    (back,) = (one for one in again(written).values() if one["resourceType"] == example["resourceType"])
    for fact in FACTS[example["resourceType"]]:
        assert _said(back.get(fact)) == _said(example.get(fact)), fact


def _said(value: Any) -> Any:
    """Leave out what a message has no place for, a third coding for one, and the UCUM code that a unit is given."""
    if isinstance(value, dict) and "coding" in value:
        return [(one["system"], one["code"]) for one in value["coding"][:2]]
    if isinstance(value, dict) and "unit" in value:
        return value["value"].text, value["unit"]
    return value
