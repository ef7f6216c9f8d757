"""A token's scopes hold in every statement: what they do not name does not exist, and is not written.

E8 and E9 of the attack catalogue: another patient than the token's, another type, another category.
"""

import asyncio
import json
from typing import Any

import pytest

from tests.oauth import scoped
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

VITAL = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}]
NDJSON = "application/fhir+ndjson"


class Stock:
    """Two persons at hospital-a; of each a laboratory result, a vital sign and a Condition."""

    def __init__(self, ids: dict[str, str]) -> None:
        self.ids = ids

    def __getitem__(self, name: str) -> str:
        return self.ids[name]


async def a_stock(world: World) -> Stock:
    site = await world.client("hospital-a")
    ids: dict[str, str] = {}
    for who in ("one", "other"):
        patient = (await world.post(site, a_patient(name=[{"family": who}])))["id"]
        ids[who] = patient
        ids[f"{who} lab"] = (await world.post(site, an_observation(patient)))["id"]
        ids[f"{who} vital"] = (await world.post(site, an_observation(patient, category=VITAL)))["id"]
        condition = {"resourceType": "Condition", "subject": {"reference": f"Patient/{patient}"}, "code": {"text": "x"}}
        ids[f"{who} condition"] = (await world.post(site, condition))["id"]
    return Stock(ids)


async def found(world: World, caller: dict[str, str], query: str) -> set[str]:
    response = await world.http.get(f"/fhir/{query}", headers=caller)
    assert response.status_code == 200, response.text
    bundle = response.json()
    if bundle.get("total") is not None and "_include" not in query:
        matches = [one for one in bundle.get("entry", ()) if one.get("search", {}).get("mode", "match") == "match"]
        assert bundle["total"] == len(matches)
    return {one["resource"]["id"] for one in bundle.get("entry", ())}


async def test_a_patient_scope_opens_one_patient_and_a_query_one_category(world: World) -> None:
    stock = await a_stock(world)
    caller = await scoped(
        world, "hospital-a", "patient/Patient.rs patient/Observation.rs?category=laboratory", patient=stock["one"]
    )

    assert await found(world, caller, "Observation") == {stock["one lab"]}
    assert await found(world, caller, f"Observation?patient={stock['one']}") == {stock["one lab"]}
    assert await found(world, caller, f"Observation?patient={stock['other']}") == set()
    assert await found(world, caller, "Patient") == {stock["one"]}
    assert await found(world, caller, "Observation?patient.name=other") == set()
    assert await found(world, caller, "Patient?_has:Observation:patient:category=vital-signs") == set()
    assert await found(world, caller, "Patient?_has:Observation:patient:category=laboratory") == {stock["one"]}
    included = await found(world, caller, "Patient?_revinclude=Observation:patient&_revinclude=Condition:patient")
    assert included == {stock["one"], stock["one lab"]}
    assert await found(world, caller, f"Patient/{stock['one']}/$everything") == {stock["one"], stock["one lab"]}
    assert await found(world, caller, "Observation/_history") == {stock["one lab"]}


@pytest.mark.parametrize(
    ("name", "status"), [("one lab", 200), ("one vital", 404), ("other lab", 404), ("one condition", 403)]
)
async def test_a_read_outside_is_as_if_it_never_was(world: World, name: str, status: int) -> None:
    stock = await a_stock(world)
    caller = await scoped(world, "hospital-a", "patient/Observation.r?category=laboratory", patient=stock["one"])
    kind = "Condition" if "condition" in name else "Observation"

    for address in (f"{kind}/{stock[name]}", f"{kind}/{stock[name]}/_history/1", f"{kind}/{stock[name]}/_history"):
        response = await world.http.get(f"/fhir/{address}", headers=caller)

        assert response.status_code == status, address
        assert ("insufficient_scope" in response.headers.get("www-authenticate", "")) == (status == 403)
    assert (await world.http.get("/fhir/Observation", headers=caller)).status_code == 403


async def test_a_user_scope_of_a_type_is_of_every_patient(world: World) -> None:
    stock = await a_stock(world)
    caller = await scoped(world, "hospital-a", "user/Observation.rs", user=True)

    assert await found(world, caller, f"Observation?patient={stock['other']}") == {
        stock["other lab"],
        stock["other vital"],
    }
    assert await found(world, caller, "?_type=Observation,Condition") == {
        stock[f"{who} {what}"] for who in ("one", "other") for what in ("lab", "vital")
    }
    assert (await world.http.get(f"/fhir/Condition/{stock['one condition']}", headers=caller)).status_code == 403


async def test_scopes_give_nothing_that_consent_does_not(world: World) -> None:
    stock = await a_stock(world)
    caller = await scoped(world, "clinic-c", "user/*.cruds", user=True)

    assert await found(world, caller, "Observation") == set()
    await world.post(await world.client("hospital-a"), a_consent(stock["one"], "clinic-c"))
    assert await found(world, caller, "Observation") == {stock["one lab"], stock["one vital"]}
    narrow = await scoped(world, "clinic-c", "patient/Observation.rs?category=vital-signs", patient=stock["one"])
    assert await found(world, narrow, "Observation") == {stock["one vital"]}


async def test_e10_a_live_token_ends_with_the_consent(world: World) -> None:
    stock = await a_stock(world)
    site = await world.client("hospital-a")
    consent = await world.post(site, a_consent(stock["one"], "clinic-c"))
    caller = await scoped(world, "clinic-c", "patient/*.rs", patient=stock["one"])
    before = await found(world, caller, "Observation")

    withdrawn = await world.http.put(
        f"/fhir/Consent/{consent['id']}", headers=site, json=consent | {"status": "inactive"}
    )

    assert before == {stock["one lab"], stock["one vital"]}
    assert withdrawn.status_code == 200
    assert await found(world, caller, "Observation") == set()


async def test_entries_of_batches_and_transactions_are_under_the_same_scopes(world: World) -> None:
    stock = await a_stock(world)
    caller = await scoped(world, "hospital-a", "patient/Observation.rs?category=laboratory", patient=stock["one"])
    urls = [f"Observation/{stock[name]}" for name in ("one lab", "one vital", "other lab")]
    entries = [{"request": {"method": "GET", "url": url}} for url in (*urls, f"Condition/{stock['one condition']}")]

    answer = await world.http.post(
        "/fhir", headers=caller, json={"resourceType": "Bundle", "type": "batch", "entry": entries}
    )

    assert [one["response"]["status"][:3] for one in answer.json()["entry"]] == ["200", "404", "404", "403"]
    for entry in entries[1:3]:
        refused = await world.http.post(
            "/fhir", headers=caller, json={"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        )
        assert refused.status_code == 404


async def _try(world: World, caller: dict[str, str], method: str, url: str, body: Any = None) -> int:
    alone = await world.http.request(method, f"/fhir/{url}", headers=caller, json=body)
    entry = {"request": {"method": method, "url": url}} | ({"resource": body} if body else {})
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    inside = await world.http.post("/fhir", headers=caller, json=bundle)
    refused = {403, 404}
    assert (alone.status_code in refused) == (inside.status_code in refused), (alone.text, inside.text)
    return alone.status_code


async def test_what_is_written_is_named_by_a_scope_with_the_letter(world: World) -> None:
    stock = await a_stock(world)
    system = "system/Observation.cu?category=laboratory system/Observation.d?category=vital-signs"
    caller = await scoped(world, "hospital-a", system)
    lab, vital = an_observation(stock["one"]), an_observation(stock["one"], category=VITAL)

    assert await _try(world, caller, "POST", "Observation", lab) == 201
    assert await _try(world, caller, "POST", "Observation", vital) == 403
    assert await _try(world, caller, "PUT", f"Observation/{stock['one lab']}", lab | {"id": stock["one lab"]}) == 200
    # Neither may a laboratory result become a vital sign, nor the other way round.
    assert await _try(world, caller, "PUT", f"Observation/{stock['one lab']}", vital | {"id": stock["one lab"]}) == 403
    changed = lab | {"id": stock["one vital"]}
    assert await _try(world, caller, "PUT", f"Observation/{stock['one vital']}", changed) == 404
    assert await _try(world, caller, "DELETE", f"Observation/{stock['one lab']}") == 404
    assert (await world.http.delete(f"/fhir/Observation/{stock['one vital']}", headers=caller)).status_code == 204
    assert await _try(world, caller, "POST", "Condition", {"resourceType": "Condition"} | _about(stock["one"])) == 403


@pytest.mark.parametrize(("letters", "status"), [("c", 403), ("cs", 200)])
async def test_a_conditional_create_needs_to_search(world: World, letters: str, status: int) -> None:
    await a_stock(world)
    site = await world.client("hospital-a")
    numbered = a_patient(identifier=[{"system": "urn:oid:1.2.3", "value": "7"}])
    await world.post(site, numbered)
    caller = await scoped(world, "hospital-a", f"system/Patient.{letters}")

    answer = await world.http.post(
        "/fhir/Patient", headers=caller | {"if-none-exist": "identifier=urn:oid:1.2.3|7"}, json=numbered
    )

    assert answer.status_code == status, answer.text
    assert await world.total(site, "Patient?identifier=urn:oid:1.2.3|7") == 1


def _about(patient: str) -> dict[str, Any]:
    return {"subject": {"reference": f"Patient/{patient}"}, "code": {"text": "x"}}


async def test_a_patient_scope_writes_of_its_patient_alone(world: World) -> None:
    stock = await a_stock(world)
    caller = await scoped(world, "hospital-a", "patient/Consent.cruds", patient=stock["one"])

    def consent(who: str) -> dict[str, Any]:
        return a_consent(stock[who], "clinic-c")

    assert await _try(world, caller, "POST", "Consent", consent("one")) == 201
    assert await _try(world, caller, "POST", "Consent", consent("other")) == 403


async def test_a_patch_needs_to_read(world: World) -> None:
    stock = await a_stock(world)
    patch = json.dumps([{"op": "replace", "path": "/status", "value": "amended"}])
    statuses = []
    for letters in ("u", "ru"):
        caller = await scoped(world, "hospital-a", f"system/Observation.{letters}")
        headers = caller | {"content-type": "application/json-patch+json"}
        response = await world.http.patch(f"/fhir/Observation/{stock['one lab']}", headers=headers, content=patch)
        statuses.append(response.status_code)

    assert statuses == [403, 200]


async def test_graphql_is_under_the_scopes(world: World) -> None:
    stock = await a_stock(world)
    caller = await scoped(world, "hospital-a", "patient/Observation.rs?category=laboratory", patient=stock["one"])
    query = "{ObservationList{id} ConditionList{id}}"

    answer = await world.http.post(
        "/fhir/$graphql", headers=caller | {"content-type": "application/graphql"}, content=query
    )

    assert answer.json()["data"] == {"ObservationList": [{"id": stock["one lab"]}], "ConditionList": []}


async def done(world: World, caller: dict[str, str], address: str) -> dict[str, Any]:
    """Wait until a job is done; nobody else fetches it, not with another token of the client's either."""
    for _ in range(400):
        response = await world.http.get(address, headers=caller)
        if response.status_code != 202:
            assert response.status_code == 200, response.text
            return dict(response.json())
        await asyncio.sleep(0.02)
    raise AssertionError("It does not end")


async def test_an_export_is_under_the_scopes_it_was_begun_with(world: World) -> None:
    stock = await a_stock(world)
    caller = await scoped(world, "hospital-a", "system/Observation.rs?category=laboratory")
    begun = await world.http.get("/fhir/$export", headers=caller | {"prefer": "respond-async"})
    assert begun.status_code == 202, begun.text
    status = begun.headers["content-location"]

    manifest = await done(world, caller, status)
    files = [(await world.http.get(one["url"], headers=caller)).text for one in manifest["output"]]

    ids = {json.loads(line)["id"] for text in files for line in text.splitlines()}
    assert ids == {stock["one lab"], stock["other lab"]}


async def test_an_answer_later_is_under_the_scopes_of_its_asker(world: World) -> None:
    stock = await a_stock(world)
    caller = await scoped(world, "hospital-a", "system/Observation.c?category=laboratory")
    entries = [
        {"request": {"method": "POST", "url": "Observation"}, "resource": one}
        for one in (an_observation(stock["one"]), an_observation(stock["one"], category=VITAL))
    ]
    begun = await world.http.post(
        "/fhir",
        headers=caller | {"prefer": "respond-async"},
        json={"resourceType": "Bundle", "type": "batch", "entry": entries},
    )
    assert begun.status_code == 202, begun.text

    answer = await done(world, caller, begun.headers["content-location"])

    inner = answer["entry"][0]["resource"]
    assert [one["response"]["status"][:3] for one in inner["entry"]] == ["201", "403"]


async def test_operations_beyond_a_row_need_everything(world: World) -> None:
    stock = await a_stock(world)
    caller = await scoped(world, "hospital-a", "system/Observation.cruds")

    answer = await world.http.post(f"/fhir/Observation/{stock['one lab']}/$expunge", headers=caller)

    assert answer.status_code == 403
