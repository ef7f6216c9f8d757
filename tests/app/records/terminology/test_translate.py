"""`$translate` tells what a code is elsewhere, by maps of packages, of R4, and of what is stored and visible."""

from pathlib import Path
from typing import Any

import pytest

from tests.app.records.terminology.test_expand import issue
from tests.app.records.test_profiles import loaded
from tests.terminology import DISEASE, MAP, OLD, PACKAGE, a_concept_map, parameters, told
from tests.world import World

pytestmark = pytest.mark.anyio


async def translated(world: World, caller: dict[str, str], query: str) -> dict[str, Any]:
    answer = await world.http.get(f"/fhir/ConceptMap/{query}", headers=caller)
    assert answer.status_code == 200, answer.text
    return told(answer.json())


def pairs(found: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(one["equivalence"], one.get("concept", {}).get("code")) for one in found.get("match", [])]


async def test_by_a_map_that_is_named_and_by_all_that_are_known(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    named = await translated(world, caller, f"$translate?url={MAP}&code=582")
    every = await translated(world, caller, f"$translate?system={OLD}&code=582&targetsystem={DISEASE}")
    elsewhere = await translated(world, caller, f"$translate?system={OLD}&code=582&targetsystem=urn:none")

    assert named == every
    assert named["result"] is True
    assert named["match"] == [
        {
            "equivalence": "equivalent",
            "concept": {"system": DISEASE, "code": "N08", "display": "腎症"},
            "source": f"{MAP}|1",
        },
        {"equivalence": "wider", "concept": {"system": DISEASE, "code": "N18"}, "source": f"{MAP}|1"},
    ]
    assert (elsewhere["result"], "match" in elsewhere, "message" in elsewhere) == (False, False, True)


async def test_what_is_not_mapped_is_no_result(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    unmatched = await translated(world, caller, f"$translate?url={MAP}&system={OLD}&code=999")
    unknown = await translated(world, caller, f"$translate?url={MAP}&system={OLD}&code=none")

    assert (unmatched["result"], pairs(unmatched)) == (False, [("unmatched", None)])
    assert (unknown["result"], pairs(unknown)) == (False, [])


async def test_from_the_other_end(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    found = await translated(world, caller, f"$translate?system={DISEASE}&code=E11&reverse=true")

    assert pairs(found) == [("wider", "250")]
    assert found["match"][0]["concept"] == {"system": OLD, "code": "250", "display": "糖尿病"}


async def test_a_stored_map_counts_for_who_sees_it(world: World) -> None:
    owner, other = await world.client("hospital-a"), await world.client("clinic-c")
    stored = await world.post(owner, a_concept_map())

    by_code = await translated(world, other, f"$translate?system={OLD}&code=250")
    by_id = await translated(world, other, f"{stored['id']}/$translate?code=250")
    by_url = await translated(world, other, f"$translate?url={MAP}&code=250")

    assert pairs(by_code) == pairs(by_id) == pairs(by_url) == [("narrower", "E11")]


async def test_a_map_in_the_body_with_what_it_depends_on(world: World) -> None:
    caller = await world.client("hospital-a")
    depends = [{"property": "urn:age", "system": "urn:ages", "value": "child"}]
    product = [{"property": "urn:site", "system": "urn:sites", "value": "arm"}]
    target = [
        {"code": "a", "equivalence": "equal", "dependsOn": depends},
        {"code": "b", "equivalence": "equal", "product": product},
    ]
    own = a_concept_map(group=[{"source": OLD, "target": "urn:t", "element": [{"code": "1", "target": target}]}])
    known = {
        "part": [
            {"name": "element", "valueUri": "urn:age"},
            {"name": "concept", "valueCodeableConcept": {"coding": [{"system": "urn:ages", "code": "child"}]}},
        ]
    }
    asked = {"conceptMap": own, "codeableConcept": {"coding": [{"system": OLD, "code": "1"}]}}

    without = await world.http.post("/fhir/ConceptMap/$translate", headers=caller, json=parameters(**asked))
    with_it = await world.http.post(
        "/fhir/ConceptMap/$translate", headers=caller, json=parameters(**asked, dependency=known)
    )

    assert pairs(told(without.json())) == [("equal", "b")]
    assert told(without.json())["match"][0]["product"] == [
        {"element": "urn:site", "concept": {"system": "urn:sites", "code": "arm"}}
    ]
    assert pairs(told(with_it.json())) == [("equal", "a"), ("equal", "b")]


async def test_what_no_element_names_goes_where_the_group_says(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")

    def own(url: str, /, **unmapped: str) -> dict[str, Any]:
        element = [{"code": "1", "target": [{"code": "2", "equivalence": "equal"}]}]
        return a_concept_map(url, group=[{"source": OLD, "target": "urn:t", "element": element, "unmapped": unmapped}])

    await loaded(
        world,
        tmp_path,
        own("urn:same", mode="provided"),
        own("urn:fixed", mode="fixed", code="other"),
        own("urn:next", mode="other-map", url="urn:fixed"),
        own("urn:circle", mode="other-map", url="urn:circle"),
    )

    found = {
        name: pairs(await translated(world, caller, f"$translate?url=urn:{name}&system={OLD}&code=9"))
        for name in ("same", "fixed", "next", "circle")
    }

    assert found == {
        "same": [("relatedto", "9")],
        "fixed": [("relatedto", "other")],
        "next": [("relatedto", "other")],
        "circle": [],
    }


async def test_maps_of_r4_are_known(world: World) -> None:
    caller = await world.client("hospital-a")

    found = await translated(world, caller, "$translate?system=http://hl7.org/fhir/address-use&code=home")

    assert ("equal", "H") in pairs(found) or ("equivalent", "H") in pairs(found)


FAILURES: list[tuple[str, tuple[int, str, list[str]]]] = [
    ("ConceptMap/$translate", (400, "invalid", ["code"])),
    ("ConceptMap/$translate?code=1", (400, "invalid", ["system"])),
    ("ConceptMap/$translate?url=urn:none&code=1", (404, "not-found", ["url"])),
    (f"ConceptMap/$translate?url={MAP}&conceptMapVersion=9&code=1", (404, "not-found", ["url"])),
    (f"ConceptMap/none/$translate?url={MAP}&code=1", (400, "invalid", ["url"])),
    ("ConceptMap/none/$translate?code=1", (404, "not-found", [])),
    (f"ConceptMap/$translate?url={MAP}&code=1&reverse=maybe", (400, "invalid", ["reverse"])),
    (f"ValueSet/$translate?url={MAP}&code=1", (404, "not-found", [])),
]


async def test_what_cannot_be_done_is_said(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    found = [(one, issue(await world.http.get(f"/fhir/{one}", headers=caller))) for one, _ in FAILURES]

    assert found == FAILURES
