"""The plans of what the benchmark asks: whatever the data are, a table is entered by a key."""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.consent.decide import may_see
from app.identity.scope import patient_keys
from benchmarks.questions import PATIENT, POPULATION, of_patients
from fhir.search.query import parse
from fhir.search.run import FIRST, Place, plan
from fhir.search.statement import attempt, page
from fhir.store.statement import Statement
from tests.fhir.search.test_plans import CALLER, _scans, explained
from tests.world import World

pytestmark = pytest.mark.anyio

QUESTIONS = {**POPULATION, **{name: of_patients(one, ["a"]) for name, one in PATIENT.items()}}


async def _lines(
    world: World, address: str, build: Callable[..., Statement] = page, place: Place = FIRST, *, sorts: bool = True
) -> list[str]:
    asked = urlsplit(address)
    query = parse(asked.path.rpartition("/")[2], parse_qsl(asked.query), lenient=False)
    shape, _ = plan(query, place)
    return await explained(world.hub, build(may_see(CALLER, now=0, implied=False), shape, patient_keys), sorts=sorts)


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


TYPE, DATE = r"ix_resource_type[ \n(]", r"ix_index_date_lo"
CUT = {
    "a code": (POPULATION["token, common"](0), r"code_hash ?= ?"),
    "a code, beside a status": (POPULATION["token, of one in two"](0), r"code_hash ?= ?"),
    "a code of any system": ("/fhir/Observation?code=4548-4", r"code_hash ?= ?"),
    "a quantity of a code": (POPULATION["quantity"](0), r"code_hash ?= ?"),
    "a composite": (POPULATION["composite"](0), r"code_hash ?= ?"),
    "a composite of an element": (POPULATION["composite, component"](0), r"hash ?= ?"),
    "a target": ("/fhir/Observation?performer=Practitioner/a", r"target_hash ?= ?"),
    "a url": ("/fhir/ValueSet?url=http://example.org/a", r"value ?= ?"),
    "a type": ("/fhir/Observation", TYPE),
    "a type since a date": (POPULATION["date, since"](0), TYPE),
    "what was updated since": ("/fhir/Observation?_lastUpdated=gt2026-01-01", TYPE),
    "the last updated": ("/fhir/Observation?_sort=-_lastUpdated", TYPE),
}
"""Questions of which a page is cut where it is walked, and how the plan says where that is."""


@pytest.mark.parametrize(("address", "walked"), CUT.values(), ids=CUT)
async def test_a_page_is_cut_where_it_is_walked(world: World, address: str, walked: str):
    asked = f"{address}{'&' if '?' in address else '?'}_total=none"

    for place in (FIRST, Place((1, 1)), Place((1, 1), backwards=True), Place(backwards=True)):
        lines = await _lines(world, asked, place=place, sorts=False)
        assert [line for line in lines if re.search(r"TEMP B-TREE|Sort|MATERIALIZE m|CTE", line)] == [], lines
        assert any(re.search(walked, line) for line in lines), lines


@pytest.mark.parametrize("name", ["Encounter", "DocumentReference", "Condition"])
async def test_an_order_of_dates_is_walked_from_where_the_page_begins(world: World, name: str):
    order = "recorded-date" if name == "Condition" else "date"
    for sort in (order, f"-{order}"):
        for place in (FIRST, Place((1, 1, 1)), Place((1, 1, 1), backwards=True)):
            lines = await _lines(world, f"/fhir/{name}?_sort={sort}&_total=none", attempt, place, sorts=False)
            assert [line for line in lines if re.search(r"TEMP B-TREE|Sort", line)] == [], lines
            assert len([line for line in lines if re.search(DATE, line)]) == 2, lines
            assert _scans(lines) == []


async def test_a_range_of_dates_begins_at_the_dates(world: World):
    lines = await _lines(world, POPULATION["date"](0))

    for index in ("ix_index_date_lo", "ix_index_date_long"):
        assert any(index in line for line in lines), lines
    assert not any("ix_resource_type" in line for line in lines)


async def test_what_was_updated_since_begins_there(world: World):
    lines = await _lines(world, "/fhir/Observation?_lastUpdated=gt2026-01-01&_total=none")

    assert any(re.search(r"last_updated>\?|last_updated > ", line) for line in lines), lines
