"""`$subsumes` tells whether one code means all that another means."""

from pathlib import Path

import pytest

from tests.app.records.terminology.test_expand import issue
from tests.app.records.test_profiles import loaded
from tests.terminology import DISEASE, PACKAGE, a_code_system, parameters, told
from tests.world import World

pytestmark = pytest.mark.anyio

OUTCOMES = [
    ("E1", "E11.2", "subsumes"),
    ("E11.2", "E1", "subsumed-by"),
    ("E11", "E11", "equivalent"),
    ("E10", "E11", "not-subsumed"),
    ("N18", "N08", "subsumes"),
]


async def test_two_codes_of_a_system(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)
    stored = await world.post(caller, a_code_system("http://example.org/own"))

    for code, other, outcome in OUTCOMES:
        query = f"$subsumes?codeA={code}&codeB={other}"
        codings = {f"coding{n}": {"system": DISEASE, "code": one} for n, one in (("A", code), ("B", other))}
        answers = [
            await world.http.get(f"/fhir/CodeSystem/{query}&system={DISEASE}", headers=caller),
            await world.http.get(f"/fhir/CodeSystem/{stored['id']}/{query}", headers=caller),
            await world.http.post("/fhir/CodeSystem/$subsumes", headers=caller, json=parameters(**codings)),
        ]
        assert [told(one.json()) for one in answers] == [{"outcome": outcome}] * 3


FAILURES: list[tuple[str, tuple[int, str, list[str]]]] = [
    (f"CodeSystem/$subsumes?system={DISEASE}&codeA=E1", (400, "invalid", ["codeA"])),
    ("CodeSystem/$subsumes?codeA=E1&codeB=E11", (400, "invalid", ["system"])),
    (f"CodeSystem/$subsumes?system={DISEASE}&codeA=E1&codeB=none", (422, "not-found", ["codeB"])),
    ("CodeSystem/$subsumes?system=urn:none&codeA=E1&codeB=E1", (404, "not-found", ["system"])),
    ("CodeSystem/$subsumes?system=urn:part&codeA=E10&codeB=E11", (422, "not-found", ["system"])),
    ("CodeSystem/$subsumes?system=urn:groups&codeA=E1&codeB=E11", (400, "not-supported", ["system"])),
    (f"ConceptMap/$subsumes?system={DISEASE}&codeA=E1&codeB=E1", (404, "not-found", [])),
]


async def test_what_cannot_be_told_is_said(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    part, groups = a_code_system("urn:part", content="fragment"), a_code_system("urn:groups")
    await loaded(world, tmp_path, *PACKAGE, part, {**groups, "hierarchyMeaning": "grouped-by"})

    found = [(one, issue(await world.http.get(f"/fhir/{one}", headers=caller))) for one, _ in FAILURES]

    assert found == FAILURES
