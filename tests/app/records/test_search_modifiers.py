"""Modifiers: https://hl7.org/fhir/R4/search.html#modifiers, and `near`: https://hl7.org/fhir/R4/location.html#search."""

import datetime as dt
from typing import Any

import pytest

from tests.app.records.test_chained_search import found
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

HBA1C = {"system": "http://loinc.org", "code": "4548-4", "display": "Hemoglobin A1c"}
KIND = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}], "text": "診療録番号"}


async def stocked(world: World) -> tuple[dict[str, str], dict[str, str]]:
    own = await world.client("hospital-a")

    async def post(resource: dict[str, Any]) -> str:
        return str((await world.post(own, resource))["id"])

    identifier = {"system": "urn:oid:1.2.3", "value": "42"}
    ids = {"typed": await post(a_patient(identifier=[identifier | {"type": KIND}]))}
    ids["plain"] = await post(a_patient(identifier=[identifier]))
    patient = ids["typed"]
    by_name = {"identifier": {"system": "urn:staff", "value": "7"}, "display": "佐藤"}
    ids["text"] = await post(
        an_observation(patient, code={"coding": [HBA1C], "text": "ヘモグロビンＡ１ｃ"}, performer=[by_name])
    )
    ids["only-text"] = await post(an_observation(patient, code={"text": "血糖（空腹時）"}))
    ids["coded"] = await post(an_observation(patient))
    urls = {
        "deep": "http://example.org/fhir/ValueSet/1",
        "flat": "http://example.org/fhir",
        "other": "http://example.org/fhir2/x",
    }
    for name, url in urls.items():
        ids[name] = await post({"resourceType": "ValueSet", "status": "active", "url": url})
    places = {"station": (43.0687, 141.3508), "tower": (43.0611, 141.3564), "otaru": (43.1907, 140.9947)}
    places["fiji-west"], places["fiji-east"] = (-17.0, 179.95), (-17.0, -179.95)
    for name, (latitude, longitude) in places.items():
        position = {"latitude": latitude, "longitude": longitude}
        ids[name] = await post({"resourceType": "Location", "name": name, "position": position})
    ids["nowhere"] = await post({"resourceType": "Location", "name": "nowhere"})
    return own, ids


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Observation?code:text=hemoglobin", ["text"]),
        ("Observation?code:text=a1C", ["text"]),
        ("Observation?code:text=ﾍﾓｸﾞﾛﾋﾞﾝ", ["text"]),
        ("Observation?code:text=血糖,a1c", ["text", "only-text"]),
        ("Observation?combo-code:text=血糖", ["only-text"]),
        ("Observation?category:text=血糖", []),
        ("Observation?code:text=100%", []),
        ("Patient?identifier:text=診療録", ["typed"]),
        ("Patient?_has:Observation:patient:code:text=血糖", ["typed"]),
        ("Observation?code:missing=true", []),
        ("Observation?code:missing=false", ["text", "only-text", "coded"]),
        ("Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|42", ["typed"]),
        ("Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|PI|42", []),
        ("Patient?identifier=urn:oid:1.2.3|42", ["typed", "plain"]),
        ("Patient?identifier:not=42", []),
        ("Observation?performer:identifier=urn:staff|7", ["text"]),
        ("Observation?performer:identifier=7", ["text"]),
        ("Observation?performer:identifier=urn:other|7", []),
        ("Observation?performer:missing=false", ["text"]),
        ("Observation?performer:missing=true", ["only-text", "coded"]),
        ("Observation?subject:identifier=urn:oid:1.2.3|42", []),
        ("ValueSet?url:below=http://example.org/fhir", ["deep", "flat"]),
        ("ValueSet?url:below=http://example.org/fhir/", ["deep"]),
        ("ValueSet?url:below=http://example.org", ["deep", "flat", "other"]),
        ("ValueSet?url:above=http://example.org/fhir/ValueSet/1/_history/5", ["deep", "flat"]),
        ("ValueSet?url:above=http://example.org/fhir", ["flat"]),
        ("ValueSet?url=http://example.org/fhir", ["flat"]),
        ("ValueSet?url:missing=true", []),
        ("Location?near=43.0687|141.3508|1|km", ["station", "tower"]),
        ("Location?near=43.0687|141.3508|500|m", ["station"]),
        ("Location?near=43.0687|141.3508", ["station", "tower"]),
        ("Location?near=43.0687|141.3508|40", ["station", "tower", "otaru"]),
        ("Location?near=43.0687|141.3508|0.3|[mi_i],43.19|141|1|km", ["station", "otaru"]),
        ("Location?near=-17|180|6|km", ["fiji-east", "fiji-west"]),
        ("Location?near=-17|180|5|km", []),
        ("Location?near=43.0687|141.3508|1|km&name=tower", ["tower"]),
        ("Location?near:missing=true", ["nowhere"]),
    ],
)
async def test_a_modifier_changes_what_a_value_means(world: World, query: str, names: list[str]) -> None:
    own, ids = await stocked(world)
    escaped = query.replace("|", "%7C").replace("%,", "%25,") if "100%" not in query else query + "25"

    assert await found(world, own, escaped) == sorted(ids[name] for name in names)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("Observation?code:in=vs", "invalid"),
        ("Observation?code:below=4548-4", "invalid"),
        ("Observation?code:above=http://loinc.org|", "invalid"),
        ("Patient?identifier:in=http://example.org/vs", "not-supported"),
        ("Patient?_id:not-in=http://example.org/vs", "not-supported"),
        ("Patient?identifier:of-type=MR|42", "invalid"),
        ("Patient?identifier:of-type=a||42", "invalid"),
        ("Observation?code:text=", "invalid"),
        ("ValueSet?url:above=http://" + "a/" * 30, "invalid"),
        ("Location?near=north", "invalid"),
        ("Location?near=91|0|1|km", "invalid"),
        ("Location?near=0|nan|1|km", "invalid"),
        ("Location?near=0|0|-1|km", "invalid"),
        ("Location?near=0|0|1001|km", "invalid"),
        ("Location?near=0|0|inf|km", "invalid"),
        ("Location?near=0|0|1|parsec", "invalid"),
        ("Location?near:exact=0|0", "not-supported"),
    ],
)
async def test_what_a_modifier_cannot_mean_is_refused(world: World, query: str, code: str) -> None:
    own = await world.client("hospital-a")

    response = await world.http.get(f"/fhir/{query}", headers=own)

    assert (response.status_code, response.json()["issue"][0]["code"]) == (400, code)


async def test_approximately_a_date_is_a_tenth_of_the_time_that_has_passed(world: World) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    today = dt.datetime.now(dt.UTC).date()
    days = {age: str(today - dt.timedelta(days=age)) for age in (1000, 1080, 1130)}
    ids = {
        age: (await world.post(own, an_observation(patient, effectiveDateTime=day)))["id"] for age, day in days.items()
    }

    assert await found(world, own, f"Observation?date=ap{days[1000]}") == sorted([ids[1000], ids[1080]])
    assert await found(world, own, f"Observation?date=ap{days[1130]}") == sorted([ids[1080], ids[1130]])
