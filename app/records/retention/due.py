"""What the rules say is over: looked through patient by patient, and nothing is changed."""

from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet

from sqlalchemy import BigInteger, Integer, Select, bindparam, select

from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import DatabaseConnection
from app.records.retention.over import over
from app.records.retention.rules import Rule
from app.records.retention.seen import Due, Seen, seen
from fhir.store.connection import Visibility
from fhir.store.in_order import in_order
from fhir.store.read import COLUMNS, LAST_BODY
from fhir.store.statements import by_shape
from fhir.store.tables import patient_chart, resource, resource_version
from fhir.store.types import NUMBERS

PATIENTS = 200
"""Patients that are looked up at once."""

ROWS = 500
"""Resources of a patient that are read at once."""


@by_shape
def _patients(visibility: Visibility) -> Select[tuple[object, ...]]:
    return (
        select(resource.c.patient_key)
        .where(
            resource.c.patient_key > bindparam("after", type_=BigInteger),
            resource.c.row == resource.c.patient_key,
            resource.c.type == NUMBERS["Patient"],
            visibility.condition(resource),
        )
        .order_by(resource.c.patient_key)
        .limit(bindparam("limit", type_=Integer))
    )


@by_shape
def _record(visibility: Visibility) -> Select[tuple[object, ...]]:
    return (
        select(*COLUMNS, resource.c.category, resource.c.clinical_date, resource.c.version, resource.c.deleted)
        .select_from(in_order(resource, resource_version, LAST_BODY))
        .where(
            resource.c.patient_key == bindparam("key", type_=BigInteger),
            resource.c.row > bindparam("after", type_=BigInteger),
            visibility.condition(resource),
        )
        .order_by(resource.c.row)
        .limit(bindparam("limit", type_=Integer))
    )


_CHARTS = select(patient_chart.c.key).where(
    patient_chart.c.patient_key == bindparam("key", type_=BigInteger), patient_chart.c.key != bindparam("key")
)
"""Keys of what is about several patients: no rule is about it, but it may name what would go."""


async def _of_key(connection: DatabaseConnection, rules: Mapping[str, Rule], key: int) -> list[Seen]:
    found, after = [], -(2**63)
    while True:
        values = {"key": key, "after": after, "limit": ROWS} | dict(EVERYTHING_VISIBLE.values)
        rows = await connection.fetch(_record(EVERYTHING_VISIBLE), values)
        found += [one for row in rows if (one := seen(rules, row)) is not None]
        if len(rows) < ROWS:
            return found
        after = int(rows[-1][3])


async def _of_patient(connection: DatabaseConnection, rules: Mapping[str, Rule], key: int) -> list[Seen]:
    found = await _of_key(connection, rules, key)
    for (other,) in await connection.fetch(_CHARTS, {"key": key}):
        found += await _of_key(connection, rules, int(other))
    return found


async def due(
    connection: DatabaseConnection, rules: dict[str, Rule], *, now: int, held: AbstractSet[int] = frozenset()
) -> AsyncIterator[list[Due]]:
    """Yield what is over, a patient at a time.

    Args:
        connection: Where to read.
        rules: What `rules` returned.
        now: The present in microseconds since 1970 UTC.
        held: The keys of Patients of whom nothing goes: a request of the person waits for an answer.
    """
    after = 0
    while True:
        values = {"after": after, "limit": PATIENTS} | dict(EVERYTHING_VISIBLE.values)
        patients = await connection.fetch(_patients(EVERYTHING_VISIBLE), values)
        for (key,) in patients:
            found = [] if int(key) in held else over(await _of_patient(connection, rules, int(key)), now)
            if found:
                yield found
        if len(patients) < PATIENTS:
            return
        after = int(patients[-1][0])
