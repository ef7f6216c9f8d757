"""The plans of what the benchmark asks: whatever the data are, a table is entered by a key."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.consent.decide import may_see
from app.identity.scope import patient_keys
from benchmarks.questions import PATIENT, POPULATION, of_patients
from fhir.search.query import parse
from fhir.search.run import plan
from fhir.search.statement import page
from tests.fhir.search.test_plans import CALLER, _scans, explained
from tests.world import World

pytestmark = pytest.mark.anyio

QUESTIONS = {**POPULATION, **{name: of_patients(one, ["a"]) for name, one in PATIENT.items()}}


async def _lines(world: World, address: str) -> list[str]:
    asked = urlsplit(address)
    query = parse(asked.path.rpartition("/")[2], parse_qsl(asked.query), lenient=False)
    shape, _ = plan(query)
    return await explained(world.hub, page(may_see(CALLER, now=0, implied=False), shape, patient_keys))


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
async def test_a_question_reads_no_table_whole(world: World, question):
    for number in (0, 1):
        lines = await _lines(world, question(number))

        assert _scans(lines) == [], lines


@pytest.mark.parametrize("name", ["token, of one in two", "quantity", "composite"])
async def test_what_else_is_asked_of_a_match_is_looked_up_for_it_alone(world: World, name: str):
    lines = await _lines(world, POPULATION[name](0))

    # A join would compare all rows that fulfil the one with all that fulfil the other.
    assert [line for line in lines if re.search(r"Semi Join|Join Filter", line)] == [], lines
    assert any("SubPlan" in line or "CORRELATED" in line for line in lines)
