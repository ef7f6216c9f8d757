"""What a decision costs does not grow with the region: grants, links and references are looked up by key."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.consent.decide import may_see
from dicom.store.tables import dicom_instance, dicom_series, dicom_study
from fhir.store.statements import by_shape
from fhir.store.tables import resource
from tests.fhir.search.test_plans import CALLER, explained
from tests.world import World

pytestmark = pytest.mark.anyio


TABLES = {
    "resource": resource.c.row,
    "study": dicom_study.c.id,
    "series": dicom_series.c.id,
    "image": dicom_instance.c.id,
}


@by_shape
def _decided(visibility, of):  # type: ignore[no-untyped-def]
    column = TABLES[of]
    return select(column).where(column.table.c.patient_key == 5, visibility.condition(column.table))


@pytest.mark.parametrize("of_data", [False, True])
@pytest.mark.parametrize("implied", [False, True])
@pytest.mark.parametrize("of", TABLES)
async def test_a_decision_reads_no_table_whole(world: World, of: str, implied: bool, of_data: bool) -> None:
    caller = replace(CALLER, of_data=of_data)
    lines = await explained(world.hub, _decided(may_see(caller, now=0, implied=implied), of))

    assert [line for line in lines if re.search(r"\bSCAN \w|Seq Scan on (?!epoch)", line)] == []
    assert [line for line in lines if "consent_grant" in line]
    assert bool([line for line in lines if "d_said" in line]) is of_data
