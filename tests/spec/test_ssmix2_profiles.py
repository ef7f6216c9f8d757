"""What messages become follows the profiles of JP Core, which it does not claim."""

import json
from typing import Any

import pytest

from fhir import exact
from fhir.profiles.conformance import conformance
from tests.app.exchange.hl7v2.messages import MESSAGES, mapped
from tests.spec.test_profile_packages import published

PROFILES = {
    "Patient": "JP_Patient",
    "Encounter": "JP_Encounter",
    "Coverage": "JP_Coverage",
    "AllergyIntolerance": "JP_AllergyIntolerance",
    "Condition": "JP_Condition",
    "MedicationRequest": "JP_MedicationRequest",
    "MedicationAdministration": "JP_MedicationAdministration",
    "Observation": "JP_Observation_Common",
    "DiagnosticReport": "JP_DiagnosticReport_Common",
    "Procedure": "JP_Procedure",
}
OF_KIND = {
    ("OMP-02", "MedicationRequest"): "JP_MedicationRequest_Injection",
    ("OML-11", "Observation"): "JP_Observation_LabResult",
    ("OML-11", "DiagnosticReport"): "JP_DiagnosticReport_LabResult",
}


def claiming(kind: str, resource: dict[str, Any]) -> dict[str, Any]:
    type_ = resource["resourceType"]
    profile = OF_KIND.get((kind, type_)) or PROFILES[type_]
    url = f"http://jpfhir.jp/fhir/core/StructureDefinition/{profile}"
    return resource | {"meta": resource.get("meta", {}) | {"profile": [url]}}


@pytest.mark.parametrize("kind", MESSAGES)
def test_what_a_message_becomes_follows_jp_core(kind: str) -> None:
    definitions, _ = published()

    for entry in mapped(kind).entries:
        if entry.key.type in PROFILES:
            resource = claiming(kind, json.loads(exact.write(entry.resource)))
            issues = conformance(resource, definitions)
            assert [(one.expression, one.diagnostics) for one in issues if one.severity in ("error", "fatal")] == []
