"""The instant that a search speaks of: now, or that of its first page, for pages that stay as they were.

A later page reads the index rows of the version that a resource had then: those of a version that was superseded are
kept for a time (`fhir.store.superseded`). What may be seen is decided as of now in either case.
https://hl7.org/fhir/R4/search.html#paging
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, and_, bindparam, case, exists, func, or_, select

from fhir.store.connection import Visibility
from fhir.store.stored import DELETE
from fhir.store.tables import resource_version as version_table

Condition = ColumnElement[bool]

_as_of = bindparam("as_of", type_=BigInteger)


def _then(row: FromClause, wanted: Callable[[FromClause], ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return what is `wanted` of the versions that a resource had at the instant `as_of`."""
    version = version_table.alias()
    same = and_(
        version.c.patient_key == row.c.patient_key, version.c.row == row.c.row, version.c.last_updated <= _as_of
    )
    return select(wanted(version)).select_from(version).where(same).correlate_except(version).scalar_subquery()


def _last_version(version: FromClause) -> ColumnElement[int]:
    return func.max(version.c.version)


@dataclass(frozen=True, slots=True)
class View:
    """What a search sees.

    Attributes:
        visibility: What exists for the caller, now.
        as_of: Whether resources are seen as they were at the instant `as_of`.
    """

    visibility: Visibility
    as_of: bool = False

    def version(self, row: FromClause) -> ColumnElement[int]:
        """Return the version in which a resource is seen; none if it came into being later."""
        current: ColumnElement[int] = row.c.version
        return self._of_then(row, current, _last_version)

    def last_updated(self, row: FromClause) -> ColumnElement[int]:
        """Return when that version was made."""
        last: ColumnElement[int] = row.c.last_updated
        return self._of_then(row, last, lambda version: func.max(version.c.last_updated))

    def _of_then(
        self, row: FromClause, now: ColumnElement[int], wanted: Callable[[FromClause], ColumnElement[Any]]
    ) -> ColumnElement[int]:
        return case((row.c.last_updated <= _as_of, now), else_=_then(row, wanted)) if self.as_of else now

    def same_row(self, index: FromClause, row: FromClause) -> Condition:
        """Return whether an index row is of the version in which a resource is seen."""
        return and_(
            index.c.patient_key == row.c.patient_key,
            index.c.row == row.c.row,
            index.c.version == self.version(row),
        )

    def exists(self, row: FromClause) -> Condition:
        """Return whether a resource is there for the caller; one that was deleted since, or brought back, is not."""
        # Last, because databases test in this order, and what a person's grants say of a row costs more than the rest.
        there = [row.c.deleted == 0, *([self._existed(row)] if self.as_of else []), self.visibility.condition(row)]
        return and_(*there)

    def _existed(self, row: FromClause) -> Condition:
        """Return whether a resource was there at the instant, and was not deleted since."""
        version = version_table.alias()
        deleted = exists().where(
            version.c.patient_key == row.c.patient_key,
            version.c.row == row.c.row,
            version.c.version >= _then(row, _last_version),
            version.c.method == DELETE,
        )
        then = _then(row, lambda of: func.count(of.c.version))
        return or_(row.c.last_updated <= _as_of, and_(then > 0, ~deleted.correlate_except(version)))
