"""Published resources of a site out as an SS-MIX2 store, and in again at another."""

import json
from pathlib import Path
from typing import Any

import pytest

from fhir import exact
from tests.app.exchange.ssmix2.test_export import A, taken_out, the_files
from tests.spec_data import SPEC_DATA
from tests.ssmix2 import found, send
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_what_came_by_fhir_goes_out_as_messages_and_comes_in_as_the_same_facts(world: World, tmp_path: Path):
    one, other = await world.client("hospital-a"), await world.client("hospital-b")
    patient = exact.read((SPEC_DATA / "jp/examples/Patient-Example-JP-Patient-standard.json").read_bytes())
    patient |= {"identifier": [{"system": f"urn:oid:1.2.392.100495.20.3.51.1{A}", "value": "000999739"}]}
    made = await world.post(one, json.loads(exact.write({k: v for k, v in patient.items() if k != "id"})))
    for name in ("Condition", "AllergyIntolerance"):
        await world.post(one, an_example(f"{name}-Example-JP-{name}-eCS-01.json", made["id"]))
    await world.post(one, an_example("Observation-Example-JP-Obs-LabResult-eCS-K.json", made["id"]))
    await world.post(one, an_example("MedicationRequest-Example-JP-MedReq-TID-01.json", made["id"]))

    progress = await taken_out(world, tmp_path / "out")
    kinds = sorted(path.split("/")[4] for path in the_files(tmp_path / "out"))
    assert kinds == ["ADT-00", "ADT-61", "OML-11", "OMP-01", "PPR-01"]
    assert progress.left_out == 0
    assert set(await send(world, other, *the_files(tmp_path / "out").items())) == {"done"}

    (condition,) = await found(world, other, "Condition")
    (potassium,) = await found(world, other, "Observation")
    (request,) = await found(world, other, "MedicationRequest")
    (allergy,) = await found(world, other, "AllergyIntolerance")
    (person,) = await found(world, other, "Patient")
    assert condition["code"]["coding"][0]["code"] == "20064049"
    assert condition["onsetDateTime"] == "2020-04-10"
    assert (potassium["valueQuantity"]["value"], potassium["valueQuantity"]["unit"]) == (3.5, "mEq/L")
    assert request["dosageInstruction"][0]["timing"]["code"]["coding"][0]["code"] == "1013044400000000"
    assert request["dispenseRequest"]["quantity"]["value"] == 21
    assert allergy["code"]["text"] == "さば"
    assert [name["text"] for name in person["name"]] == ["牧野 爛漫", "マキノ ランマン"]


def an_example(name: str, patient: str) -> dict[str, Any]:
    example = json.loads((SPEC_DATA / "jp/examples" / name).read_bytes())
    of = "patient" if example["resourceType"] == "AllergyIntolerance" else "subject"
    contained = [one for one in example.get("contained", []) if one["resourceType"] != "Encounter"]
    changed = {of: {"reference": f"Patient/{patient}"}, "contained": contained}
    kept = {key: value for key, value in example.items() if key not in {"id", "meta", "encounter", "contained"}}
    return kept | {key: value for key, value in changed.items() if value}
