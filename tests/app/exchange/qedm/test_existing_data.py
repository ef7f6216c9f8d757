"""PCC-44: every query of QEDm over a document that came in, in JSON and XML, by GET and POST."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.oauth import scoped
from tests.portal import recorded
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

FORM = "application/x-www-form-urlencoded"
LABORATORY = [
    {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
]
SECTION = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "LAB"}]}]
PROBLEMS = [
    {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "problem-list-item"}]}
]
ACTIVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
WHO = {"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"}
DRUG = {"reference": "urn:uuid:00000000-0000-4000-8000-000000000002"}


def code(value: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": value}]}


CONTENT: list[dict[str, Any]] = [
    a_patient(),
    {"resourceType": "Medication", "code": {"text": "アムロジピン錠５ｍｇ"}},
    *(
        {
            "resourceType": "Observation",
            "status": "final",
            "category": LABORATORY,
            "code": code(one),
            "subject": WHO,
            "effectiveDateTime": day,
            "valueQuantity": {"value": 1},
        }
        for one, day in (("4548-4", "2024-05-01"), ("4548-4", "2024-06-01"), ("2345-7", "2024-06-01"))
    ),
    {"resourceType": "AllergyIntolerance", "patient": WHO, "clinicalStatus": ACTIVE, "code": {"text": "ペニシリン"}},
    {
        "resourceType": "Condition",
        "subject": WHO,
        "category": PROBLEMS,
        "clinicalStatus": ACTIVE,
        "code": {"text": "高血圧"},
    },
    {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": SECTION,
        "code": code("24331-1"),
        "subject": WHO,
        "effectiveDateTime": "2024-06-01",
    },
    {"resourceType": "MedicationStatement", "status": "active", "subject": WHO, "medicationReference": DRUG},
    {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": WHO,
        "medicationReference": DRUG,
    },
    {
        "resourceType": "Immunization",
        "status": "completed",
        "patient": WHO,
        "vaccineCode": {"text": "インフルエンザ"},
        "occurrenceDateTime": "2023-11-01",
    },
    {"resourceType": "Procedure", "status": "completed", "subject": WHO, "performedDateTime": "2024-05-20"},
    {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": WHO,
        "period": {"start": "2024-06-01", "end": "2024-06-01"},
    },
]

QUERIES = [
    ("Observation", "category=laboratory", 3),
    ("Observation", "category=laboratory&code=http://loinc.org|4548-4", 2),
    ("Observation", "category=laboratory&date=ge2024-06-01", 2),
    ("Observation", "category=laboratory&date=gt2024-05-01&date=lt2024-06-02", 2),
    ("Observation", "category=laboratory&code=4548-4&date=le2024-05-01", 1),
    ("AllergyIntolerance", "", 1),
    ("Condition", "", 1),
    ("Condition", "category=problem-list-item", 1),
    ("Condition", "clinical-status=active", 1),
    ("Condition", "clinical-status=resolved", 0),
    ("DiagnosticReport", "category=LAB", 1),
    ("DiagnosticReport", "category=LAB&code=24331-1", 1),
    ("DiagnosticReport", "category=LAB&date=ge2024-06-01", 1),
    ("DiagnosticReport", "category=LAB&code=24331-1&date=lt2024-06-01", 0),
    ("MedicationStatement", "_include=MedicationStatement:medication", 1),
    ("MedicationRequest", "_include=MedicationRequest:medication", 1),
    ("Immunization", "", 1),
    ("Procedure", "", 1),
    ("Procedure", "date=ge2024-05-20&date=le2024-05-20", 1),
    ("Encounter", "", 1),
    ("Encounter", "date=gt2024-06-01", 0),
]


async def a_document(world: World, caller: dict[str, str]) -> str:
    """Send a document with one of everything, and return the id of its Patient."""
    head = {
        "resourceType": "Composition",
        "status": "final",
        "type": code("18842-5"),
        "subject": WHO,
        "date": "2024-06-01",
        "author": [{"display": "川辺 史郎"}],
        "title": "退院時サマリー",
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": "urn:oid:1.2.3", "value": "D1"},
        "timestamp": "2024-06-01T10:00:00+09:00",
        "entry": [
            {"fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012}", "resource": one}
            for number, one in enumerate([head, *CONTENT])
        ],
    }
    answer = await world.http.post("/fhir/Bundle", headers=caller, json=bundle)
    assert answer.status_code == 201, answer.text
    found = (await world.http.get("/fhir/Patient", headers=caller)).json()
    return str(found["entry"][0]["resource"]["id"])


def matches(bundle: dict[str, Any]) -> list[str]:
    return [one["resource"]["resourceType"] for one in bundle.get("entry", []) if one["search"]["mode"] == "match"]


async def test_every_query_of_the_profile_answers_by_get_and_by_post(world: World) -> None:
    caller = await world.client("hospital-a")
    patient = await a_document(world, caller)

    for kind, more, count in QUERIES:
        query = f"patient=Patient/{patient}" + (f"&{more}" if more else "")
        by_get = await world.http.get(f"/fhir/{kind}?{query}", headers=caller)
        form = quote(query, safe="=&:|,/")
        by_post = await world.http.post(f"/fhir/{kind}/_search", headers=caller | {"content-type": FORM}, content=form)
        for answer in (by_get, by_post):
            assert answer.status_code == 200, (kind, query)
            assert matches(answer.json()) == [kind] * count, (kind, query)


async def test_a_medication_comes_with_what_refers_to_it(world: World) -> None:
    caller = await world.client("hospital-a")
    patient = await a_document(world, caller)

    for kind in ("MedicationStatement", "MedicationRequest"):
        answer = await world.http.get(f"/fhir/{kind}?patient={patient}&_include={kind}:medication", headers=caller)
        included = [one["resource"] for one in answer.json()["entry"] if one["search"]["mode"] == "include"]
        assert [one["code"]["text"] for one in included] == ["アムロジピン錠５ｍｇ"]


async def test_the_provenance_leads_to_the_document(world: World) -> None:
    caller = await world.client("hospital-a")
    patient = await a_document(world, caller)
    query = f"/fhir/Observation?patient={patient}&category=laboratory&_revinclude=Provenance:target"

    as_json = await world.http.get(query, headers=caller)
    as_xml = await world.http.get(f"{query}&_format=xml", headers=caller)

    (provenance,) = [one["resource"] for one in as_json.json()["entry"] if one["search"]["mode"] == "include"]
    assert provenance["policy"] == ["urn:ihe:iti:mxde:2023:document-provenance-policy"]
    assert provenance["entity"][0]["role"] == "source"
    assert provenance["entity"][0]["what"]["reference"].partition("/")[0] in ("Bundle", "DocumentReference")
    assert as_xml.headers["content-type"].startswith("application/fhir+xml")
    assert as_xml.text.count("<resource><Observation") == 3
    assert as_xml.text.count("<resource><Provenance") == 1


async def test_what_is_no_resource_is_not_supported(world: World) -> None:
    caller = await world.client("hospital-a")

    for method, address in (("GET", "/fhir/FamilyHistory?patient=x"), ("POST", "/fhir/FamilyHistory/_search")):
        answer = await world.http.request(method, address, headers=caller | {"content-type": FORM})
        (issue,) = answer.json()["issue"]
        assert answer.status_code == 404
        assert issue["code"] == "not-supported"
        assert issue["details"]["coding"][0]["code"] == "MSG_NO_MATCH"


async def test_the_scope_opens_what_the_profile_queries_and_no_more(world: World) -> None:
    patient = await a_document(world, await world.client("hospital-a"))
    caller = await scoped(world, "hospital-a", "PCC-44")

    found = await world.http.get(f"/fhir/Encounter?patient={patient}&_revinclude=Provenance:target", headers=caller)
    patients = await world.http.get("/fhir/Patient", headers=caller)
    written = await world.http.post("/fhir/Encounter", headers=caller, json=CONTENT[-1])

    assert matches(found.json()) == ["Encounter"]
    assert len(found.json()["entry"]) == 2
    assert [patients.status_code, written.status_code] == [403, 403]


async def test_a_query_of_one_patient_is_recorded_as_the_transaction(world: World) -> None:
    caller = await world.client("hospital-a")
    auditor = await world.client("audit-office", role="auditor")
    patient = await a_document(world, caller)
    found = []

    for query in ("Observation?patient={}", "Condition?subject=Patient/{}", "Observation?code=1", "Patient?_id={}"):
        await world.http.get(f"/fhir/{query.format(patient)}", headers=caller)
        await recorded(world)
        log = await world.http.get("/fhir/AuditEvent?date=ge2020&date=lt2100&_count=5", headers=auditor)
        found.append("PCC-44" in json.dumps(log.json()["entry"][0]["resource"]["subtype"]))

    assert found == [True, True, False, False]


async def test_the_statement_of_capabilities_names_the_actor(world: World) -> None:
    statement = (await world.http.get("/fhir/metadata")).json()

    assert (
        "https://profiles.ihe.net/PCC/QEDm/CapabilityStatement/IHE.QEDm.Clinical-Data-Source"
        in statement["instantiates"]
    )
