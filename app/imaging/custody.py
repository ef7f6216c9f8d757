"""The visibility of the hub itself when it keeps a custodian's own records in step: all of them, and no others."""

from collections.abc import Hashable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, and_, bindparam

from fhir.store.connection import Visibility


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


class Own:
    """What a caller may see of what one custodian keeps.

    Args:
        seen: What the caller may see.
        custodian: Key of the organisation.
    """

    def __init__(self, seen: Visibility, custodian: int) -> None:
        self._seen, self._custody = seen, Custody(custodian)
        self.shape: Hashable = ("own", seen.shape)
        self.values: Mapping[str, Any] = {**seen.values, **self._custody.values}

    def condition(self, alias: FromClause) -> ColumnElement[bool]:
        """Return the condition under which a row of `alias` is both."""
        return and_(self._seen.condition(alias), self._custody.condition(alias))
