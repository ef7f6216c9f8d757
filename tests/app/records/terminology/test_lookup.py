"""`$lookup` tells what a code system says of a code."""

from pathlib import Path
from typing import Any

import pytest

from tests.app.records.terminology.test_expand import issue
from tests.app.records.test_profiles import loaded
from tests.terminology import DISEASE, PACKAGE, parameters, told
from tests.world import World

pytestmark = pytest.mark.anyio


async def looked_up(world: World, caller: dict[str, str], query: str) -> dict[str, Any]:
    return told((await world.http.get(f"/fhir/CodeSystem/$lookup?{query}", headers=caller)).json())


async def test_all_that_is_known_of_a_code(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    found = await looked_up(world, caller, f"system={DISEASE}&code=E11")

    assert (found["name"], found["version"], found["display"]) == ("病名", "2024", "２型糖尿病")
    assert found["designation"] == [
        {"language": "en", "value": "Type 2 diabetes mellitus"},
        {"use": {"system": "urn:uses", "code": "kana"}, "value": "ニガタトウニョウビョウ"},
    ]
    assert found["property"] == [
        {"code": "parent", "value": "E1", "description": "糖尿病"},
        {"code": "child", "value": "E11.2", "description": "糖尿病性腎症"},
        {"code": "kind", "value": "common"},
        {"code": "inactive", "value": False},
    ]


async def test_only_what_is_wanted_in_the_language_that_is_wanted(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    some = await looked_up(world, caller, f"system={DISEASE}&code=E1&property=definition&property=child")
    english = await looked_up(world, caller, f"system={DISEASE}&code=E1&displayLanguage=en&property=lang.en")
    retired = await looked_up(world, caller, f"system={DISEASE}&code=X9")
    posted = await world.http.post(
        "/fhir/CodeSystem/$lookup", headers=caller, json=parameters(coding={"system": DISEASE, "code": "N08"})
    )

    assert [one["code"] for one in some["property"]] == ["child", "child", "definition"]
    assert "designation" not in some
    assert english["display"] == "Diabetes mellitus"
    assert english["designation"] == [{"language": "en", "value": "Diabetes mellitus"}]
    assert {"code": "inactive", "value": True} in retired["property"]
    assert told(posted.json())["property"][0] == {"code": "parent", "value": "N18", "description": "慢性腎臓病"}


async def test_codes_of_r4_are_known_without_a_package(world: World) -> None:
    caller = await world.client("hospital-a")

    found = await looked_up(world, caller, "system=http://hl7.org/fhir/administrative-gender&code=male")

    assert (found["display"], found["version"]) == ("Male", "4.0.1")


FAILURES: list[tuple[str, tuple[int, str, list[str]]]] = [
    ("CodeSystem/$lookup?code=E1", (400, "invalid", ["system"])),
    (f"CodeSystem/$lookup?system={DISEASE}", (400, "invalid", ["code"])),
    (f"CodeSystem/$lookup?system={DISEASE}&code=none", (404, "not-found", ["code"])),
    (f"CodeSystem/$lookup?system={DISEASE}&code=E1&version=1", (404, "not-found", ["system"])),
    ("CodeSystem/$lookup?system=urn:none&code=E1", (404, "not-found", ["system"])),
    (f"CodeSystem/$lookup?system={DISEASE}&code=E1&colour=red", (400, "invalid", ["colour"])),
    (f"ValueSet/$lookup?system={DISEASE}&code=E1", (404, "not-found", [])),
]


async def test_what_cannot_be_done_is_said(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    found = [(one, issue(await world.http.get(f"/fhir/{one}", headers=caller))) for one, _ in FAILURES]

    assert found == FAILURES
