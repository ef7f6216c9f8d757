"""Replacing the index rows and the fixed columns of resources that are read off otherwise than before.

What is right already is not written again. The hub may write meanwhile: what belongs to a newer version than the one
that was read stays as it is.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, Table, Update, bindparam, select, update

from fhir.belonging import ATTACHING, POINTERS
from fhir.search.composite import part_numbers
from fhir.search.content import number_of
from fhir.search.extract import Index
from fhir.search.in_force import R4, InForce
from fhir.search.internal import ATTACHES, AUTHORED_BY, BELONGS_WITH, EXTRACTED_FROM, RELATES_TO
from fhir.spec.search_parameters import parameters
from fhir.store.connection import Connection
from fhir.store.facts import Facts
from fhir.store.tables import (
    INDEX_TABLES,
    index_composite,
    index_number,
    index_reference,
    index_string,
    index_text,
    index_token,
    resource,
)
from fhir.store.types import NAMES
from fhir.store.write import REMOVE, WIDER, Texts, index_rows, removal

FIXED = (resource.c.category, resource.c.labels, resource.c.clinical_date, resource.c.by_subject)
"""The columns that hold the facts, in the order of their fields."""


def fixed(facts: Facts) -> tuple[int, int, int, int]:
    """Return the values of `FIXED`."""
    return int(facts.category), facts.labels, facts.clinical_date, int(facts.by_subject)


def _set_fixed() -> Update:
    return (
        update(resource)
        .where(resource.c.patient_key == bindparam("k_patient", type_=BigInteger))
        .where(resource.c.row == bindparam("k_row", type_=BigInteger))
        .where(resource.c.version == bindparam("k_version", type_=Integer))
        .values({column.name: bindparam(f"n_{column.name}", type_=column.type) for column in FIXED} | {"labels": WIDER})
    )


_SET_FIXED = _set_fixed()
_TABLE_OF = {table.name.removeprefix("index_"): table for table in INDEX_TABLES if table is not index_composite}


def _there(table: Table) -> Select[tuple[object, ...]]:
    return select(table).where(
        table.c.parameter == bindparam("parameter", type_=Integer),
        table.c.row.in_([bindparam(f"row{number}", type_=BigInteger()) for number in range(AT_ONCE)]),
    )


AT_ONCE = 500
"""Resources whose index rows one statement reads."""

_THERE = {table: _there(table) for table in INDEX_TABLES}


def _entries(type_name: str, known: InForce) -> list[tuple[Table, int]]:
    """Return where index rows of a type are: the tables, and the numbers in them."""
    own = known.indexed.get(type_name, ())
    every = [*parameters(type_name).values(), *own]
    found = [(_TABLE_OF[one.type], one.id) for one in every if one.type in _TABLE_OF]
    found += [(index_string, one.id) for one in every if one.type == "token"]
    found += [(index_token, one.id) for one in every if one.type == "reference"]
    found += [(index_number, one.id) for one in every if one.type == "special"]
    found += [(index_composite, number) for number in part_numbers(type_name)]
    found += [(index_composite, part.number) for one in own for part in one.components]
    found += [(index_text, number_of(type_name))]
    internal = [RELATES_TO, AUTHORED_BY]
    internal += [BELONGS_WITH, EXTRACTED_FROM] if type_name in POINTERS else []
    internal += [ATTACHES] if type_name in ATTACHING else []
    return found + [(index_reference, number) for number in internal]


async def replace_index(
    connection: Connection,
    found: Sequence[tuple[int, int, int, Index]],
    type_number: int,
    known: InForce = R4,
    *,
    changed: Container[tuple[int, int]] = (),
) -> None:
    """Replace the index rows of resources where they are not those of their index values.

    Args:
        connection: Inside a write transaction.
        found: Patient key, row, version and index values of each resource, in the order of the rows.
        type_number: The number of their type.
        known: The search parameters there are.
        changed: Patient key and row of those that changed lately: rows of their older versions stay, for pages of
            searches that began before.
    """
    if not found:
        return
    versions = {(key, row): version for key, row, version, _ in found}
    wanted: dict[Table, set[tuple[Any, ...]]] = {table: set() for table in INDEX_TABLES}
    for key, row, version, index in found:
        for table, rows in index_rows(index, key, row, version).items():
            wanted[table].update(rows)
    there: dict[Table, set[tuple[Any, ...]]] = {table: set() for table in INDEX_TABLES}
    places = _places([row for _, row, _, _ in found])
    for table, number in _entries(NAMES[type_number], known):
        # Most of these tables are entered by value: one walk for the whole batch, not one for each resource.
        for values in places:
            there[table].update(map(tuple, await connection.fetch(_THERE[table], {**values, "parameter": number})))
    for table in INDEX_TABLES:
        stale = [row for row in there[table] - wanted[table] if _is_of(table, row, versions, changed)]
        missing = list(wanted[table] - there[table])
        if stale:
            await connection.execute_many(REMOVE[table], [removal(table, row) for row in stale])
        if missing:
            await connection.insert(table, missing)
        if table is index_text:
            texts = Texts()
            texts.add(missing)
            await texts.flush(connection)


def _places(rows: Sequence[int]) -> list[dict[str, int]]:
    """Return the binds of rows for `_THERE`, the last ones filled up with a row that is among them."""
    parts = [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]
    return [
        {f"row{number}": part[number] if number < len(part) else part[0] for number in range(AT_ONCE)} for part in parts
    ]


def _is_of(
    table: Table, row: tuple[Any, ...], versions: Mapping[tuple[int, int], int], changed: Container[tuple[int, int]]
) -> bool:
    """Return whether an index row is of one of the resources, of no newer version than was read and of none kept."""
    names = dict(zip(table.columns.keys(), row, strict=True))
    place, version = (names["patient_key"], names["row"]), names["version"]
    read = versions.get(place, 0)
    return bool(version == read or (version < read and place not in changed))


async def replace_facts(connection: Connection, found: Sequence[tuple[int, int, int, Facts]]) -> None:
    """Set the fixed columns of resources anew.

    Args:
        connection: Inside a write transaction.
        found: Patient key, row, current version and facts of each resource.
    """
    names = [f"n_{column.name}" for column in FIXED]
    rows = [
        dict(zip(names, fixed(facts), strict=True)) | {"k_patient": key, "k_row": row, "k_version": version}
        for key, row, version, facts in found
    ]
    if rows:
        await connection.execute_many(_SET_FIXED, rows)
