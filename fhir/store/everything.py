"""Everything of a person that exists for a caller, the newest first, in one statement.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, and_, bindparam, literal_column, or_, select

from fhir.search.hashing import hash64
from fhir.store.connection import Connection, Visibility
from fhir.store.read import COLUMNS, stored
from fhir.store.statements import by_shape
from fhir.store.stored import Stored
from fhir.store.tables import CURRENT_VERSION, resource, resource_version
from fhir.store.types import NUMBERS

Scope = Callable[[Sequence[ColumnElement[int]], Visibility], Select[tuple[int]]]
"""From the hashes that a Patient reference may mean to the patient keys of that person."""

NEWEST = (2**63 - 1, 2**63 - 1)
"""The position before the newest resource."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of what a person has.

    Attributes:
        resources: Current versions by clinical date, the newest first; those without a date come last.
        after: The position of the last of them when there are more, else None.
    """

    resources: Sequence[Stored]
    after: tuple[int, int] | None


def of_types(types: Sequence[int]) -> ColumnElement[bool]:
    """Return whether a resource is of one of the types."""
    return resource.c.type.in_([literal_column(str(number)) for number in types])


def of_person(
    found: Select[tuple[Any, ...]], visibility: Visibility, scope: Scope, types: tuple[int, ...]
) -> Select[tuple[Any, ...]]:
    """Return `found`, a select of `resource`, for a person: the newest before a position, at most `limit` of them."""
    date, before = resource.c.clinical_date, bindparam("before_date", type_=BigInteger)
    return (
        found.where(
            resource.c.patient_key.in_(scope([bindparam("hash", type_=BigInteger())], visibility)),
            of_types(types),
            or_(date < before, and_(date == before, resource.c.row < bindparam("before_row", type_=BigInteger))),
            visibility.condition(resource),
        )
        .order_by(date.desc(), resource.c.row.desc())
        .limit(bindparam("limit", type_=Integer))
    )


def asked_of_person(visibility: Visibility, patient_id: str, *, limit: int, before: tuple[int, int]) -> dict[str, Any]:
    """Return the values of the binds of `of_person` and of the visibility."""
    return {
        **visibility.values,
        "hash": hash64(f"Patient/{patient_id}"),
        "before_date": before[0],
        "before_row": before[1],
        "limit": limit,
    }


@by_shape
def _newest(visibility: Visibility, scope: Scope, types: tuple[int, ...]) -> Select[tuple[Any, ...]]:
    found = (
        select(*COLUMNS, resource.c.clinical_date)
        .select_from(resource)
        .join(resource_version, CURRENT_VERSION)
        .where(resource.c.deleted == 0)
    )
    return of_person(found, visibility, scope, types)


async def everything(
    connection: Connection,
    visibility: Visibility,
    scope: Scope,
    patient_id: str,
    types: Sequence[str],
    *,
    limit: int,
    before: tuple[int, int] = NEWEST,
) -> Part:
    """Return the newest resources of the person who has a Patient with this id.

    Args:
        connection: Where to read.
        visibility: What exists.
        scope: From the Patient to the patient keys of the person.
        patient_id: The id of one of the person's Patients.
        types: The resource types that are wanted.
        limit: The most resources.
        before: `Part.after` of the part before.
    """
    numbers = tuple(sorted(NUMBERS[name] for name in types))
    values = asked_of_person(visibility, patient_id, limit=limit + 1, before=before)
    rows = await connection.fetch(_newest(visibility, scope, numbers), values)
    shown = rows[:limit]
    after = (int(shown[-1][len(COLUMNS)]), int(shown[-1][3])) if len(rows) > limit else None
    return Part([stored(row) for row in shown], after)
