"""Reading resources by their names."""

import pytest

from app.access.directory import find_organisation
from app.imaging.custody import Custody
from fhir.store.named import read_named
from fhir.store.walk import HASHES
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio


async def test_more_names_than_a_statement_takes_are_read_in_their_order(world: World) -> None:
    headers = await world.client("hospital-a")
    made = [(await world.post(headers, a_patient()))["id"] for _ in range(HASHES + 2)]
    reader = world.hub.database.reader
    site = await find_organisation(reader, "hospital-a")

    found = await read_named(reader, Custody(site.key), [("Patient", id_) for id_ in reversed(made)])

    assert [one.id for one in found] == made[::-1]
