import pytest
from sqlalchemy import bindparam, select

from fhir.resource import parse
from fhir.search.extract import extract
from fhir.store.reindex import replace_index
from fhir.store.tables import resource
from fhir.store.types import NUMBERS
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

_KEYS = select(resource.c.patient_key, resource.c.row).where(resource.c.id == bindparam("id"))


async def test_a_newer_version_written_meanwhile_stays_as_it_is(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await world.post(hospital, a_patient())
    read = await world.post(hospital, an_observation(patient["id"]))
    newer = {**read, "status": "amended"}
    await world.http.put(f"/fhir/Observation/{read['id']}", headers=hospital, json=newer)
    ((key, row),) = await world.hub.database.reader.fetch(_KEYS, {"id": read["id"]})
    index = extract(parse(b'{"resourceType":"Observation","status":"final"}'), base_url="")

    async with world.hub.database.write() as connection:
        await replace_index(connection, [(key, row, 1, index)], NUMBERS["Observation"])

    assert await world.total(hospital, "Observation?status=amended") == 1
    assert await world.total(hospital, "Observation?status=final") == 0
