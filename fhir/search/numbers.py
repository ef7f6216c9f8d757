"""Many numbers as one bind: a list in JSON on SQLite, an array on PostgreSQL; both enter an index by it.

https://www.sqlite.org/json1.html#jeach, https://www.postgresql.org/docs/current/functions-comparisons.html
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

NUMBERS = ARRAY(BigInteger)
"""The type of the bind; SQLite's driver writes `Numbers` as JSON."""


class in_numbers(FunctionElement[bool]):  # noqa: N801 - functions of SQL are written so
    """Whether a column is among the numbers of a bind: `in_numbers(column, bind)`."""

    type = Boolean()
    name = "in_numbers"
    inherit_cache = True


@compiles(in_numbers, "sqlite")
def _sqlite(element: in_numbers, compiler: SQLCompiler, **options: Any) -> str:
    column, bind = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({bind}))"  # noqa: S608 - a column and a bind


@compiles(in_numbers, "postgresql")
def _postgresql(element: in_numbers, compiler: SQLCompiler, **options: Any) -> str:
    column, bind = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} = ANY ({bind})"
