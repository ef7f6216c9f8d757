"""Codes of the standards of 厚生労働省: kept as they were sent, found by system and code, and shown by their text.

The addresses of lists that JP Core does not name are made up.
"""

from typing import Any

import pytest

from tests.portal import signed_in
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

MEDIS, CORE = "http://medis.or.jp/CodeSystem/", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/"


def codings(*pairs: tuple[str, str], text: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"coding": [{"system": system, "code": code} for system, code in pairs]}
    return found | ({"text": text} if text else {})


SENT: dict[str, tuple[dict[str, Any], str, str]] = {
    "HS001": (
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "authoredOn": "2024-05-01",
            "medicationCodeableConcept": codings(
                (f"{MEDIS}master-HOT9", "103831601"),
                ("http://capstandard.jp/iyaku.info/CodeSystem/YJ-code", "2149039F1082"),
                text="ロサルタンカリウム錠２５ｍｇ",
            ),
        },
        f"code={MEDIS}master-HOT9|103831601",
        "ロサルタンカリウム錠２５ｍｇ",
    ),
    "HS005": (
        {
            "resourceType": "Condition",
            "extension": [
                {
                    "url": "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Condition_DiseasePostfixModifier",
                    "valueCodeableConcept": codings((f"{MEDIS}master-disease-modExCode", "8002"), text="の疑い"),
                }
            ],
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "recordedDate": "2024-05-01",
            "code": codings(
                (f"{MEDIS}master-disease-keyNumber", "20057781"),
                (f"{MEDIS}master-disease-exCode", "BJ1N"),
                (f"{CORE}ICD10-2013-full", "E119"),
                text="２型糖尿病の疑い",
            ),
        },
        f"code={MEDIS}master-disease-exCode|BJ1N",
        "２型糖尿病の疑い",
    ),
    "HS013": (
        {
            "resourceType": "Condition",
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "code": codings(("http://example.jp/CodeSystem/dental-disease", "1800104"), text="う蝕第２度"),
        },
        "code=http://example.jp/CodeSystem/dental-disease|1800104",
        "う蝕第２度",
    ),
    "HS017": (
        {
            "resourceType": "Procedure",
            "status": "completed",
            "performedDateTime": "2024-05-01",
            "code": codings(
                ("http://example.jp/CodeSystem/JJ1017-32", "10000002000002000000000000000000"),
                text="胸部単純Ｘ線撮影　正面",
            ),
        },
        "code=http://example.jp/CodeSystem/JJ1017-32|10000002000002000000000000000000",
        "胸部単純Ｘ線撮影　正面",
    ),
    "HS024": (
        {
            "resourceType": "Observation",
            "status": "final",
            "effectiveDateTime": "2024-05-01",
            "code": codings(("http://example.jp/CodeSystem/nursing-observation", "31000001"), text="食事摂取量"),
            "valueString": "８割",
        },
        "code=http://example.jp/CodeSystem/nursing-observation|31000001",
        "食事摂取量",
    ),
    "HS027": (
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "authoredOn": "2024-05-02",
            "medicationCodeableConcept": {"text": "メトホルミン塩酸塩錠"},
            "dosageInstruction": [
                {
                    "text": "１日３回毎食後",
                    "timing": {"code": codings(("http://jami.jp/CodeSystem/MedicationUsage", "1013044400000000"))},
                }
            ],
        },
        "authoredon=2024-05-02",
        "１日３回毎食後",
    ),
    "HS033": (
        {
            "resourceType": "Procedure",
            "status": "completed",
            "performedDateTime": "2024-05-01",
            "code": {"text": "抜歯"},
            "bodySite": [codings(("http://example.jp/CodeSystem/tooth", "101600"), text="右上６")],
        },
        "date=2024-05-01",
        "抜歯",
    ),
    "HS034": (
        {
            "resourceType": "Observation",
            "status": "final",
            "effectiveDateTime": "2024-05-01",
            "code": codings(("http://example.jp/CodeSystem/oral-finding", "201"), text="歯の状態"),
            "valueCodeableConcept": {"text": "処置歯"},
        },
        "code=http://example.jp/CodeSystem/oral-finding|201",
        "歯の状態",
    ),
}
"""By standard: what a site sends, how it is found, and what a page says of it."""


async def test_codes_of_the_standards_are_kept_found_and_shown(world: World) -> None:
    clinic = await world.client("clinic-c")
    patient = (await world.post(clinic, a_patient()))["id"]
    doctor = await signed_in(world, "clinic-c")
    stored = {}
    for standard, (resource, _, _) in SENT.items():
        stored[standard] = await world.post(clinic, resource | {"subject": {"reference": f"Patient/{patient}"}})

    page = (await doctor.get(f"/patients/{patient}")).text

    for standard, (resource, query, text) in SENT.items():
        kind = resource["resourceType"]
        found = (await world.http.get(f"/fhir/{kind}?patient={patient}&{query}", headers=clinic)).json()
        ids = [one["resource"]["id"] for one in found.get("entry", [])]
        assert stored[standard]["id"] in ids, standard
        assert {name: stored[standard][name] for name in resource} == resource, standard
        assert text in page, standard
