"""The plans of the hot queries: rows are found by their keys, on both databases and whatever the statistics say."""

import re
from collections.abc import Callable, Sequence

import pytest

from app.access.caller import Caller
from app.consent.decide import may_see
from app.consent.visibility import CallerVisibility
from app.db.postgresql import PostgresqlDatabase
from app.db.sqlite import SqliteDatabase
from app.hub import Hub
from app.identity.scope import patient_keys
from app.records.bulk_import.ids import _FIND
from app.records.reindex import _BATCH
from fhir.search.compartment import Compartment
from fhir.search.hashing import hash64
from fhir.search.lookup import _named, _referring
from fhir.search.query import parse
from fhir.search.run import Place, plan
from fhir.search.statement import page
from fhir.search.terms import terms, with_codes
from fhir.search.values import CodesValue, Numbers
from fhir.store.everything import _newest
from fhir.store.history import _page as history_page
from fhir.store.named import _named as _several
from fhir.store.read import _current
from fhir.store.statement import Statement
from tests.world import World

pytestmark = pytest.mark.anyio

CALLER = Caller(1, "clinic", "Clinic", "Organization/clinic", "system", "TREAT", "client", epoch=1)
QUERIES = {
    "patient, code, date, newest first": [
        *(("patient", "Patient/a"), ("code", "http://loinc.org|4548-4"), ("date", "ge2024"), ("_sort", "-date")),
    ],
    "patient, code of any system": [("patient", "a"), ("code", "4548-4")],
    "patient, two codes": [("patient", "a"), ("code", "http://loinc.org|4548-4,http://loinc.org|2345-7")],
    "patient, category": [("patient", "a"), ("category", "laboratory"), ("_sort", "-date")],
    "patient alone": [("patient", "Patient/a"), ("_sort", "-_lastUpdated")],
    "identifier": [("identifier", "urn:oid:1.2.3|42")],
    "code": [("code", "http://loinc.org|4548-4")],
    "id": [("_id", "a")],
    "patient, text": [("patient", "a"), ("_content", "糖尿病")],
    "patient, code, text": [("patient", "a"), ("code", "4548-4"), ("_content", "糖尿病")],
    "text": [("_content", "糖尿病 腎症"), ("_sort", "-date")],
    "text, one character or another": [("_text", "癌,糖尿")],
}

MALE = CodesValue(hash64("http://hl7.org/fhir/administrative-gender"), Numbers([hash64("male")]))
TERMS = {
    "code in a value set": ("Observation", [("code:in", "http://example.org/vs")]),
    "patient, code in a value set": ("Observation", [("patient", "a"), ("code:in", "http://example.org/vs")]),
    "code below another": ("Condition", [("code:below", "http://example.org|a"), ("_sort", "-onset-date")]),
    "patient, code not in a value set": ("Condition", [("patient", "a"), ("code:not-in", "http://example.org/vs")]),
    "chain to a code in a value set": ("Encounter", [("diagnosis:Condition.code:in", "http://example.org/vs")]),
    "_has of a code in a value set": ("Patient", [("_has:Condition:patient:code:in", "http://example.org/vs")]),
}

CHAINS = {
    "chain by identifier": ("Observation", [("patient.identifier", "urn:oid:1.2.3|42")]),
    "chain by name, beside a code": ("Observation", [("code", "a"), ("performer:Practitioner.name", "b")]),
    "chain of a patient's rows": ("Observation", [("patient", "Patient/a"), ("performer:Practitioner.name", "b")]),
    "chain of two steps": ("Observation", [("patient.organization.name", "a")]),
    "chain to several types": ("Observation", [("subject.identifier", "a")]),
    "_has by code": ("Patient", [("_has:Observation:patient:code", "http://loinc.org|4548-4")]),
    "_has of one patient": ("Patient", [("_id", "a"), ("_has:Observation:patient:date", "ge2024")]),
    "_has in _has": ("Practitioner", [("_has:Observation:performer:_has:Observation:has-member:code", "a")]),
    "composite": ("Observation", [("code-value-quantity", "http://loinc.org|4548-4$gt6")]),
    "composite of a patient": ("Observation", [("patient", "a"), ("combo-code-value-quantity", "4548-4$gt6")]),
    "composite of an element": ("Observation", [("component-code-value-quantity", "http://loinc.org|8480-6$gt130")]),
    "chain to a composite": ("Patient", [("_has:Observation:patient:code-value-quantity", "4548-4$gt6")]),
    "two texts": ("Patient", [("family", "a"), ("given", "b")]),
}


async def _sqlite(database: SqliteDatabase, statement: Statement) -> list[str]:
    text = database._compiler(statement).text
    marks = len(set(re.findall(r"\?\d+", text)))
    rows = database.reader.raw.execute(f"EXPLAIN QUERY PLAN {text}", [1] * marks).fetchall()
    return [row[3] for row in rows]


async def _postgresql(database: PostgresqlDatabase, statement: Statement, *, sorts: bool) -> list[str]:
    text = database._compiler(statement).text
    async with database._pool.acquire() as raw:
        # Small tables are read whole, and rightly; what is asked here is whether there is another way.
        await raw.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
        await raw.execute(f"SET enable_sort = {'on' if sorts else 'off'}")
        await raw.execute(f"PREPARE hot AS {text}")
        marks = len(set(re.findall(r"\$\d+", text)))
        rows = await raw.fetch(f"EXPLAIN EXECUTE hot({', '.join(['NULL'] * marks)})")
        await raw.execute("DEALLOCATE hot; RESET enable_seqscan; RESET enable_sort")
    return [row[0].strip() for row in rows]


async def explained(hub: Hub, statement: Statement, *, sorts: bool = True) -> list[str]:
    """Return the lines of the plan of `statement`; without `sorts` PostgreSQL says whether there is a way without."""
    if isinstance(hub.database, SqliteDatabase):
        return await _sqlite(hub.database, statement)
    assert isinstance(hub.database, PostgresqlDatabase)
    return await _postgresql(hub.database, statement, sorts=sorts)


def _scans(lines: Sequence[str]) -> list[str]:
    """Return the lines that read a whole table of the store."""
    whole = re.compile(
        r"SCAN (index_|resource|consent|person|patient|[irh]\b|[elntv]\d)"
        r"|Seq Scan on (index_|resource|consent|person|patient)"
    )
    return [line for line in lines if whole.search(line)]


@pytest.mark.parametrize("pairs", QUERIES.values(), ids=QUERIES)
async def test_a_search_reads_no_table_whole(world: World, pairs: list[tuple[str, str]]):
    visibility = may_see(CALLER, now=0, implied=False)
    shape, _ = plan(parse("Observation", pairs, lenient=False))

    lines = await explained(world.hub, page(visibility, shape, patient_keys))

    assert _scans(lines) == []


@pytest.mark.parametrize(("type_name", "pairs"), CHAINS.values(), ids=CHAINS)
async def test_a_chain_reads_no_table_whole(world: World, type_name: str, pairs: list[tuple[str, str]]):
    visibility = may_see(CALLER, now=0, implied=False)
    shape, _ = plan(parse(type_name, pairs, lenient=False))

    lines = await explained(world.hub, page(visibility, shape, patient_keys))

    assert _scans(lines) == []
    # What is looked up is found by the resource or the value, never by the number of the parameter alone.
    assert [line for line in lines if re.search(r"SEARCH \S+ USING \w+ ?\w* ?\S* ?\(parameter=\?\)", line)] == []


@pytest.mark.parametrize(("type_name", "pairs"), TERMS.values(), ids=TERMS)
async def test_a_search_for_many_codes_reads_no_table_whole(world: World, type_name: str, pairs: list[tuple[str, str]]):
    visibility = may_see(CALLER, now=0, implied=False)
    query = parse(type_name, pairs, lenient=False)
    shape, _ = plan(with_codes(query, {term: [MALE, MALE] for term in terms(query)}))

    lines = await explained(world.hub, page(visibility, shape, patient_keys))

    assert _scans(lines) == []


SORTS = {
    "by what is referred to": [("patient", "Patient/a"), ("_sort", "-performer:Practitioner.name")],
    "by two steps": [("code", "a"), ("_sort", "patient.organization.name,date")],
}
LATER = {
    **{name: ("Observation", pairs) for name, pairs in (QUERIES | SORTS).items()},
    **CHAINS,
}


@pytest.mark.parametrize("pairs", SORTS.values(), ids=SORTS)
async def test_a_chained_order_reads_no_table_whole(world: World, pairs: list[tuple[str, str]]):
    shape, _ = plan(parse("Observation", pairs, lenient=False))

    lines = await explained(world.hub, page(may_see(CALLER, now=0, implied=False), shape, patient_keys))

    assert _scans(lines) == []


@pytest.mark.parametrize(("type_name", "pairs"), LATER.values(), ids=LATER)
async def test_a_page_of_an_earlier_instant_reads_no_table_whole(
    world: World, type_name: str, pairs: list[tuple[str, str]]
):
    shape, _ = plan(parse(type_name, pairs, lenient=False), Place(backwards=True, as_of=1))

    lines = await explained(world.hub, page(may_see(CALLER, now=0, implied=False), shape, patient_keys))

    assert _scans(lines) == []


async def test_a_search_for_what_may_be_about_two_patients_reads_no_table_whole(world: World):
    visibility = may_see(CALLER, now=0, implied=False)
    shape, _ = plan(parse("Account", [("patient", "Patient/a"), ("status", "active")], lenient=False))

    lines = await explained(world.hub, page(visibility, shape, patient_keys))

    assert _scans(lines) == []


async def test_everything_of_a_person_reads_no_table_whole(world: World):
    lines = await explained(world.hub, _newest(may_see(CALLER, now=0, implied=False), patient_keys, (1, 2)))

    assert _scans(lines) == []


async def test_the_hot_search_makes_no_table_of_its_patient_keys(world: World):
    pairs = QUERIES["patient, code, date, newest first"]
    shape, _ = plan(parse("Observation", pairs, lenient=False))

    lines = await explained(world.hub, page(may_see(CALLER, now=0, implied=False), shape, patient_keys))

    assert [
        line for line in lines if re.search(r"DISTINCT|UNION|HashAggregate|Unique|(MATERIALIZE|SCAN) k", line)
    ] == []


async def test_a_read_reads_no_table_whole(world: World):
    lines = await explained(world.hub, _current(may_see(CALLER, now=0, implied=False)))

    assert _scans(lines) == []


async def test_a_read_of_several_reads_no_table_whole(world: World):
    visibility = may_see(CALLER, now=0, implied=False)

    assert _scans(await explained(world.hub, _several(visibility))) == []


async def test_ids_that_imports_gave_are_found_by_their_key(world: World):
    lines = await explained(world.hub, _FIND)

    assert [line for line in lines if re.search(r"SCAN|Seq Scan", line)] == []


async def test_reindexing_reads_a_batch_from_where_the_last_one_ended(world: World):
    lines = await explained(world.hub, _BATCH)

    assert [line for line in lines if re.search(r"SCAN|Seq Scan", line)] == []
    assert any("ix_resource_type " in f"{line} " for line in lines)


async def test_a_patients_code_is_entered_by_code_and_patient_together(world: World):
    pairs = QUERIES["patient, code, date, newest first"]
    shape, _ = plan(parse("Observation", pairs, lenient=False))

    lines = await explained(world.hub, page(may_see(CALLER, now=0, implied=False), shape, patient_keys))

    entered = [line for line in lines if "code_hash=?" in line or "code_hash = " in line]
    assert len(entered) == 1
    assert re.search(r"code_hash ?= ?\S+( AND|\) AND) \(?patient_key ?= ?", entered[0])


@pytest.mark.parametrize(
    "shape",
    [
        (True, False, False, False, False),
        (True, False, False, False, True),
        (True, False, True, False, True),
        (True, False, False, True, True),
        (False, False, False, False, False),
        (False, False, False, False, True),
        (True, True, False, False, True),
    ],
    ids=["type", "type, next page", "type since", "type at", "system", "system, next page", "instance"],
)
async def test_a_history_is_read_in_the_order_of_its_index(world: World, shape: tuple[bool, bool, bool, bool, bool]):
    lines = await explained(world.hub, history_page(may_see(CALLER, now=0, implied=False), shape))

    sorts = [line for line in lines if re.search(r"TEMP B-TREE|Sort", line)]
    # The versions of one resource are few: they may be sorted.
    assert shape[1] or sorts == [], lines
    assert [line for line in _scans(lines) if "resource_change" not in line] == []


@pytest.mark.parametrize(
    "build", [lambda may: _named(may, False), lambda may: _referring(may, (1, 2), False)], ids=["include", "revinclude"]
)
async def test_an_include_reads_no_table_whole(world: World, build: Callable[[CallerVisibility], Statement]):
    lines = await explained(world.hub, build(may_see(CALLER, now=0, implied=False)))

    assert _scans(lines) == []


@pytest.mark.parametrize("name", ["Patient", "Encounter"])
async def test_a_search_of_a_compartment_reads_no_table_whole(world: World, name: str):
    visibility = may_see(CALLER, now=0, implied=False)
    shape, _ = plan(parse("Observation", [], lenient=False), compartment=Compartment(name, "a"))

    lines = await explained(world.hub, page(visibility, shape, patient_keys))

    assert _scans(lines) == []


async def test_a_later_page_reads_no_table_whole(world: World):
    visibility = may_see(CALLER, now=0, implied=False)
    query = parse("Observation", [("patient", "Patient/a"), ("_sort", "-_lastUpdated,status")], lenient=False)
    shape, _ = plan(query, Place((1, "final", 1), as_of=1))

    lines = await explained(world.hub, page(visibility, shape, patient_keys))

    assert _scans(lines) == []


OF_PATIENT = re.compile(
    r"SEARCH (i|index_text_1) USING PRIMARY KEY \(parameter=\? AND patient_key=\?"
    r"|on index_text .*\nIndex Cond: \(\(parameter = \d+\) AND \(patient_key = "
)
BY_CHARACTERS = re.compile(
    r"SEARCH g0 USING PRIMARY KEY \(parameter=\? AND gram=\?\)|Index Cond: \(\(parameter = \d+\) AND \(gram = \$\d+\)\)"
)
ROWS = re.compile(
    r"SEARCH i USING PRIMARY KEY \(parameter=\? AND patient_key=\? AND row>\? AND row<\?"
    r'|Index Cond: \(\(parameter = \d+\) AND \(patient_key = \S+\) AND \("row" >= .* AND \("row" <= '
)


@pytest.mark.parametrize("query", ["patient, text", "patient, code, text"])
async def test_a_patients_texts_are_looked_through_and_no_others(world: World, query: str):
    shape, _ = plan(parse("Observation", QUERIES[query], lenient=False))

    lines = await explained(world.hub, page(may_see(CALLER, now=0, implied=False), shape, patient_keys))

    assert OF_PATIENT.search("\n".join(lines))
    assert not any("gram" in line for line in lines)


async def test_texts_of_no_named_patient_are_entered_by_their_characters(world: World):
    shape, _ = plan(parse("Observation", QUERIES["text"], lenient=False))

    lines = await explained(world.hub, page(may_see(CALLER, now=0, implied=False), shape, patient_keys))

    assert BY_CHARACTERS.search("\n".join(lines))
    assert ROWS.search("\n".join(lines))
