"""`$expand` lists what is in a value set, page by page, of packages, of R4, and of what is stored and visible."""

import json
from pathlib import Path
from typing import Any

import pytest

from fhir.operations import expand as expand_module
from fhir.xml.to_xml import to_xml
from tests.app.records.test_profiles import loaded
from tests.terminology import ALL, DIABETES, DISEASE, PACKAGE, a_code_system, a_filter, a_value_set, codes, parameters
from tests.world import World

pytestmark = pytest.mark.anyio

NS = "http://example.org/ValueSet/"


async def expanded(world: World, caller: dict[str, str], query: str) -> dict[str, Any]:
    answer = await world.http.get(f"/fhir/ValueSet/{query}", headers=caller)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def issue(answer: Any) -> tuple[int, str, list[str]]:
    one = answer.json()["issue"][0]
    return answer.status_code, one["code"], one.get("expression", [])


async def test_the_codes_of_a_package_come_in_order_with_what_is_said_of_them(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    found = await expanded(world, caller, f"$expand?url={ALL}")

    assert (found["resourceType"], found["url"], found["version"], found["status"]) == ("ValueSet", ALL, "1", "active")
    assert "compose" not in found
    assert codes(found) == ["E1", "E11", "E11.2", "E10", "N18", "X9", "N08"]
    expansion = found["expansion"]
    assert (expansion["total"], expansion["offset"]) == (7, 0)
    assert expansion["identifier"].startswith("urn:uuid:")
    assert expansion["timestamp"].endswith("+00:00")
    assert expansion["parameter"] == [{"name": "version", "valueUri": f"{DISEASE}|2024"}]
    assert expansion["contains"][0] == {
        "system": DISEASE,
        "abstract": True,
        "version": "2024",
        "code": "E1",
        "display": "糖尿病",
    }
    assert expansion["contains"][5]["inactive"] is True


PAGES: list[tuple[str, list[str], int]] = [
    ("count=2", ["E1", "E11"], 7),
    ("count=2&offset=3", ["E10", "N18"], 7),
    ("count=0", [], 7),
    ("offset=9", [], 7),
    ("filter=糖尿", ["E1", "E11", "E11.2", "E10"], 4),
    ("filter=糖尿&count=1&offset=1", ["E11"], 4),
    ("filter=２型", ["E11"], 1),
    ("filter=2型", ["E11"], 1),
    ("filter=DIABETES mell", ["E1", "E11"], 2),
    ("filter=腎症 糖尿", ["E11.2"], 1),
    ("filter=n1", ["N18"], 1),
    ("filter=nothing", [], 0),
    ("activeOnly=true", ["E1", "E11", "E11.2", "E10", "N18", "N08"], 6),
    ("excludeNotForUI=true&activeOnly=true&count=1", ["E11"], 5),
    (f"exclude-system={DISEASE}", [], 0),
]


async def test_a_page_of_what_is_wanted(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    found = [(query, await expanded(world, caller, f"$expand?url={ALL}&{query}")) for query, _, _ in PAGES]

    assert [(query, codes(one), one["expansion"]["total"]) for query, one in found] == PAGES


async def test_names_come_in_the_language_that_is_wanted(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    english = await expanded(world, caller, f"$expand?url={DIABETES}&displayLanguage=fr,en-US;q=0.5")
    japanese = await expanded(world, caller, f"$expand?url={DIABETES}&displayLanguage=ja&includeDesignations=true")
    kana = await expanded(world, caller, f"$expand?url={DIABETES}&designation=urn:uses|kana")

    names = [one["display"] for one in english["expansion"]["contains"]]
    assert names == ["Diabetes mellitus", "Type 2 diabetes mellitus", "糖尿病性腎症", "１型糖尿病"]
    assert japanese["expansion"]["contains"][1]["display"] == "２型糖尿病"
    assert len(japanese["expansion"]["contains"][1]["designation"]) == 2
    assert [one.get("designation", [{}])[0].get("value") for one in kana["expansion"]["contains"]] == [
        *(None, "ニガタトウニョウビョウ", None, None)
    ]
    assert {"name": "displayLanguage", "valueCode": "ja"} in japanese["expansion"]["parameter"]
    assert {"name": "includeDesignations", "valueBoolean": True} in japanese["expansion"]["parameter"]


DEFINITIONS: list[tuple[list[dict[str, Any]], list[str]]] = [
    ([a_filter("concept", "descendent-of", "E1")], ["E11", "E11.2", "E10"]),
    ([a_filter("concept", "is-not-a", "E1")], ["N18", "X9", "N08"]),
    ([a_filter("concept", "generalizes", "E11.2")], ["E1", "E11", "E11.2"]),
    ([a_filter("code", "in", "E10, N18")], ["E10", "N18"]),
    ([a_filter("concept", "not-in", "E10,N18,E1")], ["E11", "E11.2", "X9", "N08"]),
    ([a_filter("kind", "=", "rare")], ["E10"]),
    ([a_filter("kind", "exists", "true")], ["E11", "E10"]),
    ([a_filter("kind", "exists", "false")], ["E1", "E11.2", "N18", "X9", "N08"]),
    ([a_filter("code", "regex", "E1[01](\\.\\d)?")], ["E11", "E11.2", "E10"]),
    ([a_filter("display", "regex", ".*腎症")], ["E11.2", "N08"]),
    ([a_filter("parent", "=", "E1")], ["E11", "E10"]),
    ([a_filter("child", "=", "N08")], ["N18"]),
    ([a_filter("concept", "is-a", "N18")], ["N18", "N08"]),
    ([{"system": DISEASE, "concept": [{"code": "N18", "display": "CKD"}, {"code": "E10"}]}], ["N18", "E10"]),
    ([{"valueSet": [DIABETES]}], ["E1", "E11", "E11.2", "E10"]),
    ([{"system": DISEASE, "valueSet": [DIABETES]}], ["E1", "E11", "E11.2", "E10"]),
    ([{"valueSet": [DIABETES, NS + "common"]}], ["E11"]),
    (
        [{"valueSet": [DIABETES]}, {"system": DISEASE, "concept": [{"code": "N18"}, {"code": "E1"}]}],
        ["E1", "E11", "E11.2", "E10", "N18"],
    ),
    (
        [{"valueSet": ["http://hl7.org/fhir/ValueSet/administrative-gender"]}],
        ["male", "female", "other", "unknown"],
    ),
    ([{"system": "urn:other", "concept": [{"code": "z"}]}], ["z"]),
]


async def test_a_definition_in_the_body(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    common = a_value_set(NS + "common", a_filter("kind", "=", "common"))
    await loaded(world, tmp_path, *PACKAGE, common)

    for compose, wanted in DEFINITIONS:
        body = parameters(valueSet=a_value_set(NS + "own", *compose))
        answer = await world.http.post("/fhir/ValueSet/$expand", headers=caller, json=body)
        assert (answer.status_code, codes(answer.json())) == (200, wanted), (compose, answer.text)


async def test_what_is_excluded_and_what_is_inactive_is_left_out(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)
    own = a_value_set(NS + "own", {"system": DISEASE}, exclude=[{"valueSet": [DIABETES]}])
    own["compose"]["inactive"] = False

    answer = await world.http.post(
        "/fhir/ValueSet/$expand", headers=caller, json=parameters(valueSet=own, includeDefinition=True)
    )

    assert codes(answer.json()) == ["N18", "N08"]
    assert answer.json()["compose"] == own["compose"]


async def test_what_is_stored_is_found_by_its_url_and_its_id_where_it_is_visible(world: World) -> None:
    owner, other = await world.client("hospital-a"), await world.client("clinic-c")
    await world.post(owner, a_code_system())
    stored = await world.post(owner, a_value_set(DIABETES, a_filter("concept", "is-a", "E1")))

    by_url = await expanded(world, owner, f"$expand?url={DIABETES}")
    by_id = await expanded(world, other, f"{stored['id']}/$expand?filter=腎")
    by_version = await world.http.get(f"/fhir/ValueSet/$expand?url={DIABETES}|2", headers=owner)
    posted = await world.http.post(f"/fhir/ValueSet/{stored['id']}/$expand", headers=other, json=parameters(count=1))

    assert codes(by_url) == ["E1", "E11", "E11.2", "E10"]
    assert codes(by_id) == ["E11.2"]
    assert codes(posted.json()) == ["E1"]
    assert issue(by_version) == (404, "not-found", ["url"])


async def test_a_newer_version_that_is_stored_counts_at_once(world: World) -> None:
    owner = await world.client("hospital-a")
    system = await world.post(owner, a_code_system())
    await world.post(owner, a_value_set(ALL, {"system": DISEASE}))
    before = await expanded(world, owner, f"$expand?url={ALL}")

    changed = {**system, "concept": [{"code": "new"}]}
    await world.http.put(f"/fhir/CodeSystem/{system['id']}", headers=owner, json=changed)
    after = await expanded(world, owner, f"$expand?url={ALL}")
    await world.http.delete(f"/fhir/CodeSystem/{system['id']}", headers=owner)
    gone = await world.http.get(f"/fhir/ValueSet/$expand?url={ALL}", headers=owner)

    assert (len(codes(before)), codes(after)) == (7, ["new"])
    assert issue(gone) == (422, "not-found", [])


async def test_nobody_changes_what_a_package_says(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)
    await world.post(caller, a_code_system(version="2025", concept=[{"code": "mine"}]))

    assert len(codes(await expanded(world, caller, f"$expand?url={ALL}"))) == 7


async def test_versions_of_code_systems_may_be_asked_for(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE, a_code_system(version="2023", concept=[{"code": "was"}]))
    address = f"$expand?url={ALL}"

    newest = await expanded(world, caller, address)
    older = await expanded(world, caller, f"{address}&system-version={DISEASE}|2023")
    forced = await expanded(world, caller, f"{address}&force-system-version={DISEASE}|2023")
    checked = await world.http.get(f"/fhir/ValueSet/{address}&check-system-version={DISEASE}|2022", headers=caller)

    assert len(codes(newest)) == 7
    assert codes(older) == codes(forced) == ["was"]
    assert {"name": "version", "valueUri": f"{DISEASE}|2023"} in older["expansion"]["parameter"]
    assert issue(checked) == (422, "not-found", ["check-system-version"])


async def test_a_fragment_is_listed_and_said_to_be_one(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, a_code_system(content="fragment"), PACKAGE[1])

    found = await expanded(world, caller, f"$expand?url={ALL}")

    assert len(codes(found)) == 7
    assert found["expansion"]["extension"] == [
        {"url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed", "valueBoolean": True}
    ]


async def test_the_value_set_that_a_code_system_names_is_all_of_it(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, PACKAGE[0])

    found = await expanded(world, caller, f"$expand?url={ALL}&filter=腎")
    searched = await world.http.get(f"/fhir/Condition?code:in={ALL}", headers=caller)

    assert (codes(found), found["url"]) == (["E11.2", "N18", "N08"], ALL)
    assert searched.json()["total"] == 0


async def test_more_than_an_answer_holds_is_too_costly(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)
    monkeypatch.setattr(expand_module, "MOST_LISTED", 3)

    refused = await world.http.get(f"/fhir/ValueSet/$expand?url={ALL}", headers=caller)
    page = await expanded(world, caller, f"$expand?url={ALL}&count=100")

    assert issue(refused) == (403, "too-costly", [])
    assert (len(codes(page)), page["expansion"]["total"]) == (3, 7)


FAILURES: list[tuple[str, tuple[int, str, list[str]]]] = [
    ("ValueSet/$expand", (400, "invalid", ["url"])),
    ("ValueSet/$expand?url=http://example.org/none", (404, "not-found", ["url"])),
    ("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/mimetypes", (422, "not-found", [])),
    (f"ValueSet/$expand?url={ALL}&count=-1", (400, "invalid", ["count"])),
    (f"ValueSet/$expand?url={ALL}&count=a", (400, "invalid", ["count"])),
    (f"ValueSet/$expand?url={ALL}&activeOnly=yes", (400, "invalid", ["activeOnly"])),
    (f"ValueSet/$expand?url={ALL}&date=2020", (400, "invalid", ["date"])),
    (f"ValueSet/$expand?url={ALL}&url={ALL}", (400, "invalid", ["url"])),
    (f"ValueSet/$expand?url={ALL}&system-version=a", (400, "invalid", ["system-version"])),
    (f"ValueSet/$expand?url={ALL}&valueSet=a", (400, "invalid", ["valueSet"])),
    (f"ValueSet/$expand?url={ALL}&filter=", (400, "invalid", ["filter"])),
    ("ValueSet/none/$expand", (404, "not-found", [])),
    (f"Patient/$expand?url={ALL}", (404, "not-found", [])),
    (f"CodeSystem/none/$expand?url={ALL}", (404, "not-found", [])),
]


async def test_what_cannot_be_done_is_said(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    found = [(one, issue(await world.http.get(f"/fhir/{one}", headers=caller))) for one, _ in FAILURES]

    assert found == FAILURES


UNLISTED = [
    a_value_set(NS + "a", {"valueSet": [NS + "a"]}),
    a_value_set(NS + "own", {"valueSet": [NS + "one"]}),
    a_value_set(NS + "a", {"system": "urn:none"}),
    a_value_set(NS + "a", a_filter("concept", "is-a", "none")),
    a_value_set(NS + "a", a_filter("concept", "regex", "(")),
    a_value_set(NS + "a", {"system": DISEASE}, exclude=[{"system": "urn:none"}]),
    {"resourceType": "ValueSet", "status": "active"},
]


async def test_a_definition_that_cannot_be_listed_is_said(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    one, two = a_value_set(NS + "one", {"valueSet": [NS + "two"]}), a_value_set(NS + "two", {"valueSet": [NS + "one"]})
    await loaded(world, tmp_path, *PACKAGE, one, two)

    for value_set in UNLISTED:
        answer = await world.http.post("/fhir/ValueSet/$expand", headers=caller, json=parameters(valueSet=value_set))
        assert issue(answer) == (422, "not-found", []), value_set


async def test_a_question_and_an_answer_in_xml(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    own = parameters(valueSet=a_value_set(NS + "own", a_filter("concept", "is-a", "E1")), filter="腎症")
    in_xml = {**caller, "Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}

    asked = await world.http.get(f"/fhir/ValueSet/$expand?url={ALL}&_format=xml", headers=caller)
    sent = await world.http.post("/fhir/ValueSet/$expand", headers=in_xml, content=to_xml(json.dumps(own).encode()))

    for answer in (asked, sent):
        assert answer.headers["content-type"].startswith("application/fhir+xml")
        assert '<code value="E11.2"/>' in answer.text
    assert '<code value="E10"/>' not in sent.text
