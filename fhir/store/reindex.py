"""Replacing the index rows and the fixed columns of resources that are read off otherwise than before.

The rows of a resource are found by its parameters: those of its type, and nothing else, are deleted. The hub may write
meanwhile: what belongs to a newer version than the one that was read stays as it is.
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Delete, Integer, Table, Update, bindparam, delete, update

from fhir.search.extract import Index
from fhir.spec.search_parameters import parameters
from fhir.store.connection import Connection
from fhir.store.facts import Facts
from fhir.store.tables import INDEX_TABLES, resource
from fhir.store.types import NAMES
from fhir.store.write import index_rows

FIXED = (resource.c.category, resource.c.labels, resource.c.clinical_date, resource.c.by_subject)
"""The columns that hold the facts, in the order of their fields."""


def fixed(facts: Facts) -> tuple[int, int, int, int]:
    """Return the values of `FIXED`."""
    return int(facts.category), facts.labels, facts.clinical_date, int(facts.by_subject)


def _delete(table: Table) -> Delete:
    return delete(table).where(
        table.c.parameter == bindparam("k_parameter", type_=Integer),
        table.c.patient_key == bindparam("k_patient", type_=BigInteger),
        table.c.row == bindparam("k_row", type_=BigInteger),
        table.c.version <= bindparam("k_version", type_=Integer),
    )


def _set_fixed() -> Update:
    return (
        update(resource)
        .where(resource.c.patient_key == bindparam("k_patient", type_=BigInteger))
        .where(resource.c.row == bindparam("k_row", type_=BigInteger))
        .where(resource.c.version == bindparam("k_version", type_=Integer))
        .values({column.name: bindparam(f"n_{column.name}", type_=column.type) for column in FIXED})
    )


_SET_FIXED = _set_fixed()
_DELETE = {table: _delete(table) for table in INDEX_TABLES}
_TABLE_OF = {table.name.removeprefix("index_"): table for table in INDEX_TABLES}


async def replace_index(connection: Connection, found: Sequence[tuple[int, int, int, Index]], type_number: int) -> None:
    """Replace the index rows of resources.

    Args:
        connection: Inside a write transaction.
        found: Patient key, row, version and index values of each resource.
        type_number: The number of their type.
    """
    known = [one for one in parameters(NAMES[type_number]).values() if one.type in _TABLE_OF]
    for parameter in known:
        table = _TABLE_OF[parameter.type]
        keys = [
            {"k_parameter": parameter.id, "k_patient": key, "k_row": row, "k_version": version}
            for key, row, version, _ in found
        ]
        await connection.execute_many(_DELETE[table], keys)
    for key, row, version, index in found:
        for table, rows in index_rows(index, key, row, version).items():
            if rows:
                await connection.insert(table, rows)


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
