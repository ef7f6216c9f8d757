"""The search parameters that JP Core and MHD publish find the examples that they publish with them."""

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from app.packages.archive import read_package
from app.packages.load import load, remove
from app.records.search_parameters.kept import all_kept
from app.records.search_parameters.packages import disable, enable
from tests.search_parameters import all_indexed
from tests.spec_data import SPEC_DATA
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

JP_CORE = SPEC_DATA / "jp" / "packages" / "jp-core.r4-1.1.2-url.tgz"
MHD = SPEC_DATA / "ihe" / "ihe.iti.mhd.tgz"
WHO = {"user_name": "operator", "client": "test"}


def _examples(path: Path, *types: str) -> list[dict[str, Any]]:
    with tarfile.open(path) as archive:
        names = [one for one in archive.getmembers() if one.name.endswith(".json") and "example" in one.name]
        files = [archive.extractfile(one) for one in names]
        found = [json.loads(file.read()) for file in files if file is not None]
    return [one for one in found if isinstance(one, dict) and one.get("resourceType") in types]


async def _stored(world: World, own: dict[str, str], example: dict[str, Any], patient: str) -> str | None:
    """Store an example, about a patient of the sender's, and return its id; None where it is refused."""
    about = re.sub(r'"Patient/[^"]+"', f'"Patient/{patient}"', json.dumps(example))
    response = await world.http.post(
        f"/fhir/{example['resourceType']}",
        headers={**own, "Content-Type": "application/fhir+json"},
        content=about.encode(),
    )
    return str(response.json()["id"]) if response.status_code == 201 else None


async def _enabled(world: World, path: Path) -> int:
    found = read_package(path)
    await load(world.hub, found, user_name="operator")
    count, refused = await enable(world.hub, found.name, found.version, **WHO)
    assert [error.diagnostics for error in refused] == []
    world.hub.search_parameters_wait.set()
    await all_indexed(world)
    return count


JP_QUERIES = [
    ("Coverage", "jp-insured-personsymbol=12-34"),
    ("Coverage", "jp-insured-personnumber=５６７８"),
    ("Coverage", "jp-insured-personsubnumber=00"),
    ("Organization", "jp-prefectureno=13"),
    (
        "Organization",
        "jp-insurance-organizationcategory=http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationFeeScoreType|1",
    ),
    ("Organization", "jp-insurance-organizationno=1234567"),
    ("MedicationRequest", "jp-medication-start=2020-04-01"),
    ("Patient", "jp-kana-sort=ヤマダ"),
    ("Patient", "jp-kana-sort:exact=ヤマダ タロウ"),
]


async def test_each_parameter_of_jp_core_finds_an_example(world: World) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    made: dict[str, list[str | None]] = {}
    for example in _examples(JP_CORE, "Patient", "Coverage", "Organization", "MedicationRequest"):
        stored = await _stored(world, own, example, patient)
        made.setdefault(example["resourceType"], []).append(stored)

    count = await _enabled(world, JP_CORE)

    known = {one.code for one in await all_kept(world.hub.database.reader)}
    asked = {re.split("[:=]", query)[0] for _, query in JP_QUERIES}
    assert count == 8
    assert asked == known
    for type_name, query in JP_QUERIES:
        response = await world.http.get(f"/fhir/{type_name}?{query}", headers=own)
        found = [one["resource"]["id"] for one in response.json().get("entry", ())]
        assert found, query
        assert set(found) <= set(made[type_name]), query


async def test_the_kana_reading_sorts(world: World) -> None:
    own = await world.client("hospital-a")
    await _enabled(world, JP_CORE)
    (example,) = [one for one in _examples(JP_CORE, "Patient") if one["id"] == "jp-patient-example-1"]
    text = json.dumps(example, ensure_ascii=False)
    ids = [
        await _stored(world, own, json.loads(text.replace("ヤマダ タロウ", name)), "x")
        for name in ("ヤマダ", "アベ", "サトウ")
    ]

    answer = (await world.http.get("/fhir/Patient?_sort=jp-kana-sort", headers=own)).json()

    assert [one["resource"]["id"] for one in answer["entry"]] == [ids[1], ids[2], ids[0]]


async def test_the_parameters_of_mhd_find_its_examples_with_and_without_its_package(world: World) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    found = read_package(MHD)

    assert await _enabled(world, MHD) == 3
    for example in _examples(MHD, "List", "DocumentReference"):
        await _stored(world, own, example, patient)
    totals = [
        await world.total(own, f"{query}&_total=accurate")
        for query in (
            "List?sourceId:missing=false",
            "List?designationType:missing=false",
            "DocumentReference?creation=ge2020",
        )
    ]
    await disable(world.hub, found.name, found.version, **WHO)
    without = await world.total(own, "List?sourceId:missing=false")
    await enable(world.hub, found.name, found.version, **WHO)
    await remove(world.hub, found.name, found.version, user_name="operator")
    world.hub.search_parameters_wait.set()
    await all_indexed(world)

    assert all(totals), totals
    assert without == totals[0]
    assert await all_kept(world.hub.database.reader) == []
