import pytest

from benchmarks.ssmix2.made import names
from app.exchange.ssmix2.path import path_of
from tests.oauth import scoped
from tests.ssmix2 import DOOR, a_file, batch, found, send, told, with_flag
from tests.world import World

pytestmark = pytest.mark.anyio

EARLY, LATE, LATEST = "20200401090000000", "20200402090000000", "20200403090000000"


async def test_a_store_becomes_the_record_of_its_patients(world: World):
    site = await world.client("hospital-a")
    store = [(path_of(name), body) for patient in (1, 2) for name, body in names(patient, 40)]

    assert set(await send(world, site, *store)) == {"done"}
    assert set(await send(world, site, *store)) == {"unchanged"}

    assert await world.total(site, "Patient") == 2
    (patient,) = await found(world, site, "Patient?identifier=0000000001")
    assert patient["name"][0]["text"] == "鈴木 太郎"
    kinds = "Encounter MedicationRequest Observation DiagnosticReport ServiceRequest Condition AllergyIntolerance"
    for kind in kinds.split():
        assert await world.total(site, f"{kind}?patient={patient['id']}") > 0, kind
