from pathlib import Path
from typing import Any

import pytest

from app.packages.archive import read_package
from app.packages.load import load
from app.settings import Settings
from tests.documents import a_collection, a_disease, a_document, found, send
from tests.packages import a_package
from tests.profiles import HERE, a_profile
from tests.world import World

pytestmark = pytest.mark.anyio

TOLD = {"Prefer": "return=OperationOutcome"}
PROFILE = a_profile("Signed", "Bundle", ("Bundle.signature", {"min": 1}))


def strict_about(world: World, kinds: str) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"documents_strict": kinds})


def told(outcome: dict[str, Any]) -> list[tuple[str, str]]:
    issues = [one for one in outcome["issue"] if one["severity"] != "information"]
    return [(one["severity"], one["expression"][0]) for one in issues]


async def test_what_breaks_a_rule_is_stored_and_its_sender_is_told(world: World) -> None:
    hospital = await world.client("hospital-a")

    answer = await world.http.post("/fhir/Bundle", headers=hospital | TOLD, json=a_document(a_disease("胃潰瘍")))

    assert answer.status_code == 201
    assert told(answer.json()) == [("warning", "Bundle.entry[0].resource.section")] * 3


@pytest.mark.parametrize(
    ("strict", "status"), [("referral", 422), ("discharge, information", 201)], ids=["this kind", "other kinds"]
)
async def test_a_hub_may_be_strict_about_a_kind(world: World, strict: str, status: int) -> None:
    hospital = await world.client("hospital-a")
    strict_about(world, strict)

    answer = await send(world, hospital, a_document(a_disease("胃潰瘍")))

    assert answer[0] == status
    assert len(await found(world, hospital, "Condition")) == (status == 201)


async def test_strictness_about_a_kind_is_about_its_profiles_too(world: World, tmp_path: Path) -> None:
    hospital = await world.client("hospital-a")
    await load(world.hub, read_package(a_package(tmp_path / "p.tgz", PROFILE)), user_name="tester")
    body = a_collection(a_disease("胃潰瘍"), meta={"profile": [f"{HERE}Signed"]})
    warned = await world.http.post("/fhir/Bundle", headers=hospital | TOLD, json=body)
    strict_about(world, "information")

    status, outcome = await send(world, hospital, body)

    assert (warned.status_code, told(warned.json())) == (201, [("warning", "Bundle.signature")])
    assert (status, told(outcome)) == (422, [("error", "Bundle.signature")])


def test_a_kind_that_nobody_knows_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="documents_strict names letter"):
        Settings(documents_strict="referral, letter")
