"""What a decision costs does not grow with the region: grants, links and references are looked up by key."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.consent.decide import may_see
from fhir.store.statements import by_shape
from fhir.store.tables import resource
from tests.fhir.search.test_plans import CALLER, explained
from tests.world import World

pytestmark = pytest.mark.anyio


@by_shape
def _decided(visibility):  # type: ignore[no-untyped-def]
    return select(resource.c.row).where(resource.c.patient_key == 5, visibility.condition(resource))


@pytest.mark.parametrize("of_data", [False, True])
@pytest.mark.parametrize("implied", [False, True])
async def test_a_decision_reads_no_table_whole(world: World, implied: bool, of_data: bool) -> None:
    caller = replace(CALLER, of_data=of_data)
    lines = await explained(world.hub, _decided(may_see(caller, now=0, implied=implied)))

    assert [line for line in lines if re.search(r"\bSCAN \w|Seq Scan on (?!epoch)", line)] == []
    assert [line for line in lines if "consent_grant" in line]
    assert bool([line for line in lines if "d_said" in line]) is of_data
