"""Many conditions in one that is not deep: SQLite takes expressions of a thousand levels at most.

https://www.sqlite.org/limits.html, "Maximum Depth Of An Expression Tree": `a OR b OR c` has a level for each word.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.sql.elements import Grouping

Condition = ColumnElement[bool]

BRANCHES = 30
"""Conditions side by side; three levels of them hold all the values that a search may have."""


class _Parentheses(Grouping[bool]):
    """Conditions that stay together: SQLAlchemy takes what is in its own parentheses out again."""

    operator = None
    inherit_cache = True


def any_of(conditions: Sequence[Condition]) -> Condition:
    """Return whether any of the conditions holds, at least one."""
    return _joined(or_, conditions)


def all_of(conditions: Sequence[Condition]) -> Condition:
    """Return whether all of the conditions hold, at least one."""
    return _joined(and_, conditions)


def _joined(join: Callable[..., Any], conditions: Sequence[Condition]) -> Condition:
    while len(conditions) > BRANCHES:
        starts = range(0, len(conditions), BRANCHES)
        conditions = [_Parentheses(join(*conditions[start : start + BRANCHES])) for start in starts]
    joined: Condition = join(*conditions)
    return joined
