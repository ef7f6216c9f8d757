"""A narrow range of dates drives: few index rows lie in it, whatever the type has besides.

A value fulfils `ge` though it begins before, if it ends later. What is at most a day long began no more than a day
before; of what is longer, which is rare, there is an index by the end.
https://hl7.org/fhir/R4/search.html#date
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, select, union_all

from fhir.search.predicates import BEFORE_ITS_END, FROM_ITS_START, Condition, Shape, binder, matches
from fhir.search.shapes import AnyShape
from fhir.store.facts import has_one_date
from fhir.store.tables import DAY, index_date
from fhir.store.types import NAMES

NARROW = 31 * DAY
"""Microseconds from the start to the end of a range, or of what goes on until now, that is walked."""


class Between(NamedTuple):
    """The numbers of the criteria that say where a range begins and ends; no end if it goes on."""

    first: int
    last: int | None


def between(
    type_number: int, criteria: Sequence[AnyShape], values: Mapping[str, Any], now: int | None = None
) -> Between | None:
    """Return the narrow range of dates that criteria ask for; None if they ask for none.

    Args:
        type_number: That of the type that is searched.
        criteria: What is asked.
        values: The values of its binds.
        now: The present in microseconds, by default as the clock says.
    """
    dates = {n: one for n, one in enumerate(criteria) if isinstance(one, Shape) and _is_plain(one)}
    since = (time.time_ns() // 1000 if now is None else now) - NARROW
    for first, begin in dates.items():
        if begin.values[0] not in FROM_ITS_START:
            continue
        start = values[f"c{first}_0_lo"]
        for last, end in dates.items():
            ends = end.parameter == begin.parameter and end.values[0] in BEFORE_ITS_END
            # Two criteria may mean two values of a resource.
            one_value = first == last or has_one_date(NAMES[type_number], begin.parameter)
            if ends and one_value and values[f"c{last}_0_hi"] - start <= NARROW:
                return Between(first, last)
        if start >= since:
            return Between(first, None)
    return None


def _is_plain(shape: Shape) -> bool:
    return shape.type == "date" and shape.code != "_lastUpdated" and shape.modifier is None and len(shape.values) == 1


def walk_between(criteria: Sequence[AnyShape], range_: Between, type_number: int) -> FromClause:
    """Return the distinct rows that have a value in a range."""
    asked = {n: one for n in range_ if n is not None and isinstance(one := criteria[n], Shape)}
    first = asked[range_.first]
    start = binder(f"c{range_.first}_0")("lo")
    rows = []
    for name, is_long in (("i", False), ("j", True)):
        index = index_date.alias(name)
        length: ColumnElement[int] = index.c.hi - index.c.lo
        found: list[Condition] = [matches(index, one, str(n)) for n, one in asked.items()]
        found += [length > DAY, index.c.hi > start] if is_long else [length <= DAY, index.c.lo > start - DAY]
        if range_.last is not None:
            found.append(index.c.lo < binder(f"c{range_.last}_0")("hi"))
        rows.append(select(index.c.patient_key, index.c.row, index.c.version).where(*found))
    both = union_all(*rows).subquery("w")
    if has_one_date(NAMES[type_number], first.parameter):
        return both
    return select(*both.c).distinct().subquery("d")
