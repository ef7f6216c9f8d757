"""Composites: https://hl7.org/fhir/R4/search.html#composite."""

from typing import Any

import pytest

from tests.app.records.test_chained_search import found
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def loinc(code: str) -> dict[str, Any]:
    return {"coding": [{"system": LOINC, "code": code}]}


def mmhg(code: str, value: float) -> dict[str, Any]:
    quantity = {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}
    return {"code": loinc(code), "valueQuantity": quantity}


async def stocked(world: World) -> tuple[dict[str, str], dict[str, str]]:
    """Return a hospital and the ids of its results: blood pressures, a number, a concept, a text and a date."""
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]

    async def post(**fields: Any) -> str:
        plain = {name: value for name, value in an_observation(patient, **fields).items() if value is not None}
        return str((await world.post(own, plain))["id"])

    pressure = {"code": loinc("85354-9"), "valueQuantity": None}
    ids = {
        "patient": patient,
        "high": await post(**pressure, component=[mmhg("8480-6", 142), mmhg("8462-4", 88)]),
        "crossed": await post(**pressure, component=[mmhg("8480-6", 110), mmhg("8462-4", 135)]),
        "number": await post(),
        "concept": await post(code=loinc("883-9"), valueQuantity=None, valueCodeableConcept=loinc("A")),
        "parts": await post(
            code=loinc("883-9"),
            valueQuantity=None,
            component=[
                {"code": loinc("883-9"), "valueCodeableConcept": loinc("B")},
                {"code": loinc("10331-7"), "valueCodeableConcept": loinc("A")},
            ],
        ),
        "text": await post(code=loinc("8251-1"), valueQuantity=None, valueString="Fasting"),
        "date": await post(code=loinc("11778-8"), valueQuantity=None, valueDateTime="2024-08-01"),
    }
    return own, ids


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("component-code-value-quantity=http://loinc.org|8480-6$gt130", ["high"]),
        ("component-code-value-quantity=8480-6$gt130", ["high"]),
        ("component-code-value-quantity=8480-6$gt200", []),
        ("component-code-value-quantity=8480-6$gt130,8480-6$lt120", ["high", "crossed"]),
        ("component-code-value-quantity=http://loinc.org|8462-4$135|http://unitsofmeasure.org|mm[Hg]", ["crossed"]),
        ("component-code-value-quantity=8462-4$135||kPa", []),
        ("component-code-value-quantity=8480-6$gt130&component-code-value-quantity=8462-4$lt90", ["high"]),
        ("combo-code-value-quantity=8480-6$gt130", ["high"]),
        ("combo-code-value-quantity=4548-4$gt6", ["number"]),
        ("combo-code-value-quantity=85354-9$gt1", []),
        ("code-value-quantity=http://loinc.org|4548-4$6.3", ["number"]),
        ("code-value-quantity=4548-4$gt6.3", []),
        ("code-value-quantity=8480-6$gt130", []),
        ("code-value-concept=883-9$A", ["concept"]),
        ("combo-code-value-concept=883-9$A", ["concept"]),
        ("component-code-value-concept=883-9$A", []),
        ("component-code-value-concept=10331-7$http://loinc.org|A", ["parts"]),
        ("code-value-string=8251-1$fast", ["text"]),
        ("code-value-date=11778-8$ge2024-08", ["date"]),
        ("code-value-date=11778-8$lt2024-08", []),
        ("patient={patient}&component-code-value-quantity=8480-6$gt130", ["high"]),
        ("patient={patient}&code-value-quantity=4548-4$ge6", ["number"]),
        ("component-code-value-quantity:missing=false", ["high", "crossed"]),
        ("code-value-quantity:missing=false", ["number"]),
        (
            "code:missing=false&component-code:missing=true&code-value-quantity:missing=true",
            ["concept", "text", "date"],
        ),
    ],
)
async def test_the_values_of_a_composite_are_of_one_element(world: World, query: str, names: list[str]) -> None:
    own, ids = await stocked(world)

    assert await found(world, own, f"Observation?{query.format(**ids)}") == sorted(ids[name] for name in names)


async def test_a_chain_ends_in_a_composite(world: World) -> None:
    own, ids = await stocked(world)
    query = "Patient?_has:Observation:patient:component-code-value-quantity=8480-6$"

    assert await found(world, own, f"{query}gt130") == [ids["patient"]]
    assert await found(world, own, f"{query}gt200") == []


async def test_a_newer_version_is_found_by_its_own_elements(world: World) -> None:
    own, ids = await stocked(world)
    body = an_observation(ids["patient"], id=ids["high"], component=[mmhg("8480-6", 120)])
    response = await world.http.put(f"/fhir/Observation/{ids['high']}", headers=own, json=body)
    assert response.status_code == 200, response.text

    assert await found(world, own, "Observation?component-code-value-quantity=8480-6$gt130") == []
    assert await found(world, own, "Observation?component-code-value-quantity=8480-6$120") == [ids["high"]]


async def test_composites_of_other_types_and_of_references(world: World) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    content = [{"attachment": {"contentType": "text/plain", "title": "紹介状"}}]
    plain = {"resourceType": "DocumentReference", "status": "current", "content": content}
    plain["subject"] = {"reference": f"Patient/{patient}"}
    old = (await world.post(own, plain))["id"]
    relation = {"code": "replaces", "target": {"reference": f"DocumentReference/{old}"}}
    new = (await world.post(own, plain | {"relatesTo": [relation]}))["id"]
    context = {"code": {"code": "focus"}, "valueCodeableConcept": {"coding": [{"code": "diabetes"}]}}
    values = {"resourceType": "ValueSet", "status": "active", "useContext": [context]}
    value_set = (await world.post(own, values))["id"]

    assert await found(world, own, f"DocumentReference?relationship=DocumentReference/{old}$replaces") == [new]
    assert await found(world, own, f"DocumentReference?relationship=DocumentReference/{old}$appends") == []
    assert await found(world, own, "ValueSet?context-type-value=focus$diabetes") == [value_set]
    assert await found(world, own, "ValueSet?context-type-value=gender$diabetes") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("code-value-quantity=4548-4", "invalid"),
        ("code-value-quantity=4548-4$5$6", "invalid"),
        ("code-value-quantity=4548-4$high", "invalid"),
        ("code-value-quantity=$5", "invalid"),
        ("code-value-quantity:not=4548-4$5", "not-supported"),
        ("_sort=code-value-quantity", "not-supported"),
    ],
)
async def test_another_form_is_refused(world: World, query: str, code: str) -> None:
    own = await world.client("hospital-a")

    response = await world.http.get(f"/fhir/Observation?{query}", headers=own)

    assert (response.status_code, response.json()["issue"][0]["code"]) == (400, code)
