"""The visibility of the hub itself when it keeps a custodian's own records in step: all of them, and no others."""

from collections.abc import Hashable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, bindparam


class Custody:
    """What one custodian keeps.

    Args:
        custodian: Key of the organisation.
    """

    shape: Hashable = "custody"

    def __init__(self, custodian: int) -> None:
        self.values: Mapping[str, Any] = {"v_custodian": custodian}

    def condition(self, alias: FromClause) -> ColumnElement[bool]:
        """Return the condition under which a row of `alias` is the custodian's."""
        return alias.c.custodian == bindparam("v_custodian", type_=Integer)
