"""Searches for what codes mean: `:in`, `:not-in`, `:above`, `:below`, in chains, `_has` and `_filter` as well."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from fhir.terminology import searched
from tests.app.records.terminology.test_expand import issue
from tests.app.records.test_profiles import loaded
from tests.terminology import ALL, DIABETES, DISEASE, PACKAGE, a_code_system, a_filter, a_value_set, parameters
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

FEMALE = "http://example.org/ValueSet/female"
MANY = "http://example.org/ValueSet/many"
CODES = ("E11", "E11.2", "E10", "N18", "other")
GENDER = "http://hl7.org/fhir/administrative-gender"


async def a_region(world: World, caller: dict[str, str]) -> dict[str, str]:
    """Store a Patient and a Condition for each code, one of another system, one without code; return their names."""
    names: dict[str, str] = {}
    for number, code in enumerate((*CODES, "foreign", "text")):
        gender = "female" if number < 2 else "male"
        patient = (await world.post(caller, a_patient(gender=gender)))["id"]
        names[patient] = f"of {code}"
        coding = {"system": "urn:other" if code == "foreign" else DISEASE, "code": "E11" if code == "foreign" else code}
        concept = {"text": "糖尿病"} if code == "text" else {"coding": [coding]}
        made = {"resourceType": "Condition", "subject": {"reference": f"Patient/{patient}"}, "code": concept}
        names[(await world.post(caller, made))["id"]] = code
    return names


async def found(world: World, caller: dict[str, str], query: str, names: dict[str, str]) -> Sequence[str]:
    answer = await world.http.get(f"/fhir/{query}", headers=caller)
    assert answer.status_code == 200, answer.text
    matches = [names[one["resource"]["id"]] for one in answer.json().get("entry", [])]
    assert answer.json()["total"] == len(matches)
    return sorted(matches)


SEARCHES: list[tuple[str, list[str]]] = [
    (f"Condition?code:in={DIABETES}", ["E10", "E11", "E11.2"]),
    (f"Condition?code:in={DIABETES}|1", ["E10", "E11", "E11.2"]),
    (f"Condition?code:in={MANY}", ["E11", "N18", "foreign"]),
    (f"Condition?code:in={MANY},{DIABETES}", ["E10", "E11", "E11.2", "N18", "foreign"]),
    (f"Condition?code:in={DIABETES}&code:in={MANY}", ["E11"]),
    (f"Condition?code:not-in={DIABETES}", ["N18", "foreign", "other", "text"]),
    (f"Condition?code:in={ALL}&code:not-in={DIABETES}", ["N18"]),
    (f"Condition?code:below={DISEASE}|E11", ["E11", "E11.2"]),
    (f"Condition?code:below={DISEASE}|E1,{DISEASE}|N18", ["E10", "E11", "E11.2", "N18"]),
    (f"Condition?code:above={DISEASE}|E11.2", ["E11", "E11.2"]),
    (f"Patient?gender:in={FEMALE}", ["of E11", "of E11.2"]),
    (f"Patient?gender:not-in={FEMALE}", ["of E10", "of N18", "of foreign", "of other", "of text"]),
    (f"Patient?gender:below={GENDER}|female", ["of E11", "of E11.2"]),
    (f"Condition?patient.gender:in={FEMALE}", ["E11", "E11.2"]),
    (f"Patient?_has:Condition:patient:code:in={MANY}", ["of E11", "of N18", "of foreign"]),
    (f"Patient?_has:Condition:patient:code:below={DISEASE}|E1&gender:not-in={FEMALE}", ["of E10"]),
    (f"Condition?_filter={quote(f'code in {DIABETES} and patient.gender in {FEMALE}')}", ["E11", "E11.2"]),
    (f"Condition?_filter={quote(f'code ss {DISEASE}|E11')}", ["E11", "E11.2"]),
    (f"Condition?_filter={quote(f'code sb {DISEASE}|E11.2')}", ["E11", "E11.2"]),
    (f"Condition?_filter={quote(f'not (code in {DIABETES})')}", ["N18", "foreign", "other", "text"]),
    (f"Condition?code:in={FEMALE}", []),
    (f"Condition?code:in={DIABETES}&_count=0&_total=accurate", []),
]


async def test_what_is_found(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    female = a_value_set(FEMALE, {"system": GENDER, "concept": [{"code": "female"}]})
    two = {"system": DISEASE, "concept": [{"code": "E11"}, {"code": "N18"}]}
    many = a_value_set(MANY, two, {"system": "urn:other", "concept": [{"code": "E11"}]})
    await loaded(world, tmp_path, *PACKAGE, female, many)
    names = await a_region(world, caller)

    for query, wanted in SEARCHES[:-1]:
        assert await found(world, caller, query, names) == wanted, query
    counted = (await world.http.get(f"/fhir/{SEARCHES[-1][0]}", headers=caller)).json()
    assert counted["total"] == 3


async def test_a_stored_value_set_by_its_id_and_its_url(world: World) -> None:
    caller = await world.client("hospital-a")
    await world.post(caller, a_code_system())
    stored = await world.post(caller, a_value_set(DIABETES, a_filter("concept", "is-a", "E1")))
    names = await a_region(world, caller)

    for named in (DIABETES, f"ValueSet/{stored['id']}", f"http://127.0.0.1:8080/fhir/ValueSet/{stored['id']}"):
        assert await found(world, caller, f"Condition?code:in={named}", names) == ["E10", "E11", "E11.2"]


async def test_the_next_page_asks_again(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)
    names = await a_region(world, caller)
    matches: list[str] = []
    address = f"/fhir/Condition?code:in={DIABETES}&_count=2"

    while address:
        answer = (await world.http.get(address, headers=caller)).json()
        matches += [names[one["resource"]["id"]] for one in answer["entry"]]
        address = next((one["url"] for one in answer["link"] if one["relation"] == "next"), "")

    assert sorted(matches) == ["E10", "E11", "E11.2"]


async def test_thousands_of_codes(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await world.client("hospital-a")
    concepts = [{"code": code} for code in (*(str(number) for number in range(8_000)), *CODES)]
    await loaded(world, tmp_path, a_code_system(concept=concepts), PACKAGE[1])
    names = await a_region(world, caller)

    assert await found(world, caller, f"Condition?code:in={ALL}", names) == sorted(CODES)
    monkeypatch.setattr(searched, "MOST_CODES", 8_000)
    refused = await world.http.get(f"/fhir/Condition?code:in={ALL}", headers=caller)
    assert issue(refused) == (403, "too-costly", ["code:in"])


FAILURES: list[tuple[str, tuple[int, str, list[str]]]] = [
    ("Condition?code:in=http://example.org/none", (422, "not-found", ["code:in"])),
    ("Condition?code:in=ValueSet/none", (422, "not-found", ["code:in"])),
    (f"Condition?code:in={DIABETES}|9", (422, "not-found", ["code:in"])),
    ("Condition?code:in=http://hl7.org/fhir/ValueSet/condition-code", (422, "not-found", ["code:in"])),
    ("Condition?code:below=urn:none|E1", (422, "not-found", ["code:below"])),
    (f"Condition?code:above={DISEASE}|none", (422, "not-found", ["code:above"])),
    ("Patient?_has:Condition:patient:code:in=http://example.org/none", (422, "not-found", ["code:in"])),
]


async def test_what_is_not_known_is_said(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a") | {"Prefer": "handling=lenient"}
    await loaded(world, tmp_path, *PACKAGE)

    answers = [(one, issue(await world.http.get(f"/fhir/{one}", headers=caller))) for one, _ in FAILURES]

    assert answers == FAILURES


async def test_not_in_needs_all_the_codes(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, a_code_system(content="fragment"), PACKAGE[1])
    names = await a_region(world, caller)

    refused = await world.http.get(f"/fhir/Condition?code:not-in={ALL}", headers=caller)

    assert issue(refused) == (422, "not-found", ["code:not-in"])
    assert await found(world, caller, f"Condition?code:in={ALL}", names) == ["E10", "E11", "E11.2", "N18"]


async def test_in_a_batch_a_transaction_and_an_operation_but_not_in_a_condition(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)
    patient = (await world.post(caller, a_patient()))["id"]
    coding = {"system": DISEASE, "code": "E11"}
    about = {"subject": {"reference": f"Patient/{patient}"}, "code": {"coding": [coding]}}
    await world.post(caller, {"resourceType": "Observation", "status": "final", **about})
    entry: dict[str, Any] = {"request": {"method": "GET", "url": f"Observation?code:in={DIABETES}"}}

    for kind in ("batch", "transaction"):
        bundle = {"resourceType": "Bundle", "type": kind, "entry": [entry]}
        answer = await world.http.post("/fhir", headers=caller, json=bundle)
        assert answer.json()["entry"][0]["resource"]["total"] == 1, answer.text
    last = await world.http.get(f"/fhir/Observation/$lastn?patient={patient}&code:in={DIABETES}", headers=caller)
    condition = await world.http.delete(f"/fhir/Observation?code:in={DIABETES}", headers=caller)

    assert last.json()["total"] == 1
    assert issue(condition)[:2] == (400, "not-supported")


async def test_codes_that_are_posted_reach_the_same(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)
    names = await a_region(world, caller)

    answer = await world.http.post("/fhir/Condition/_search", headers=caller, data={"code:in": DIABETES})
    expanded = await world.http.post("/fhir/ValueSet/$expand", headers=caller, json=parameters(url=DIABETES))

    listed = {one["code"] for one in expanded.json()["expansion"]["contains"] if not one.get("abstract")}
    assert {names[one["resource"]["id"]] for one in answer.json()["entry"]} == listed
