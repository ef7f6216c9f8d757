"""The plans of searches under scopes: no table is read whole, and without scopes a statement stays as it was."""

from dataclasses import replace

import pytest

from app.access.scopes import parse as scopes
from app.consent.decide import may_see, within
from app.identity.scope import patient_keys
from fhir.search.query import parse
from fhir.search.run import plan
from fhir.search.statement import page
from tests.fhir.search.test_plans import CALLER, CHAINS, QUERIES, _scans, explained
from tests.world import World

pytestmark = pytest.mark.anyio

SCOPES = (
    "patient/*.rs",
    "patient/Observation.rs patient/Patient.rs",
    "user/Observation.rs?category=laboratory patient/Patient.rs",
    "system/Observation.rs system/Patient.rs system/Encounter.rs",
)


@pytest.mark.parametrize("text", SCOPES)
async def test_a_search_under_scopes_reads_no_table_whole(world: World, text: str) -> None:
    caller = replace(CALLER, scopes=scopes(text), patient_key=1)
    visibility = within(may_see(caller, now=0, implied=False), caller, "s")
    asked = [("Observation", pairs) for pairs in QUERIES.values()] + list(CHAINS.values())

    scanned = {}
    for type_name, pairs in asked:
        shape, _ = plan(parse(type_name, pairs, lenient=False))
        lines = await explained(world.hub, page(visibility, shape, patient_keys))
        if found := _scans(lines):
            scanned[str(pairs)] = found

    assert scanned == {}


def test_without_scopes_the_shape_is_that_of_before() -> None:
    seen = may_see(CALLER, now=0, implied=False)
    every = replace(CALLER, scopes=scopes("user/*.cruds"))

    assert within(seen, CALLER, "s") is seen
    assert within(seen, every, "s") is seen
    assert seen.shape == ("caller", False, True, False, None)
