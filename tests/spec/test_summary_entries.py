"""The entries of kept summaries, by the profiles of MHD's package."""

import pytest

from app.packages.archive import read_package
from app.packages.load import load
from tests.app.records.summary.test_keep import entries, keep
from tests.spec_data import SPEC_DATA
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

MINIMAL = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.Minimal.DocumentReference"


async def test_both_entries_follow_mhd(world: World) -> None:
    await load(world.hub, read_package(SPEC_DATA / "ihe/ihe.iti.mhd.tgz"), user_name="tester")
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await keep(world, hospital, patient, "snapshot")

    for one in await entries(world, hospital, patient):
        answer = await world.http.get(
            f"/fhir/DocumentReference/{one['id']}/$validate", params={"profile": MINIMAL}, headers=hospital
        )
        assert [issue for issue in answer.json()["issue"] if issue["severity"] == "error"] == []
