"""How matches are put in order: a value for each sort key, of the resource or of what it refers to.

A resource without a value comes last in either direction.
https://hl7.org/fhir/R4/search.html#sort
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Union

from sqlalchemy import BigInteger, ColumnElement, Float, FromClause, Text, and_, case, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from fhir.search.condition import referred
from fhir.search.moment import View
from fhir.search.order_text import OrderText
from fhir.search.predicates import TABLES
from fhir.search.shapes import inside
from fhir.spec.search_parameters import by_id
from fhir.store.facts import clinical_date_parameter
from fhir.store.tables import NO_DATE
from fhir.store.tables import resource_version as version_table
from fhir.store.types import NAMES

IN_BODY = frozenset({"token", "reference"})
"""Types whose index rows are hashes: what they sort by is read off the body."""

NO_VALUE = 2**63 - 1
"""What a resource without a date counts by; turned round `NO_DATE`."""

_TEXTS = IN_BODY | {"string", "uri"}
"""Types that sort as texts."""


@dataclass(frozen=True, slots=True)
class SortShape:
    """A sort key: its parameter and direction."""

    parameter: int
    type: str
    code: str
    descending: bool
    paths: tuple[str, ...] = ()
    """Where the values of a hub's own parameter are; R4's are known by their number."""


LAST_UPDATED = SortShape(0, "date", "_lastUpdated", descending=False)
"""By the last update: what a search comes in the order of that walks all of a type."""

PLACE = SortShape(0, "date", "_place", descending=False)
"""By the patient's key, as index rows lie: what a search of the whole population comes in the order of."""


def place(*, falling: bool) -> SortShape:
    """Return `PLACE`, or turned round."""
    return replace(PLACE, descending=falling)


@dataclass(frozen=True, slots=True)
class ChainedSort:
    """A sort key at the end of a reference.

    Attributes:
        parameter: The reference that is followed.
        branches: The numbers of the types that it may lead to, and the sort key of each.
        type: That of the values; those of all branches compare alike.
        descending: The direction.
    """

    parameter: int
    branches: tuple[tuple[int, "AnySort"], ...]
    type: str
    descending: bool


def size(key: "AnySort") -> int:
    """Return how many values of rows a key is made of, one for each step of its chain."""
    return 1 + sum(size(inner) for _, inner in key.branches) if isinstance(key, ChainedSort) else 1


AnySort = Union[SortShape, ChainedSort]  # noqa: UP007 - the classes name each other


class _Outermost(FunctionElement[Any]):
    """The least or the greatest of several values."""

    inherit_cache = False

    def __init__(self, values: Sequence[ColumnElement[Any]], *, greatest: bool) -> None:
        super().__init__(*values)
        self.greatest = greatest


@compiles(_Outermost, "sqlite")
def _sqlite(element: _Outermost, compiler: SQLCompiler, **options: Any) -> str:
    return f"{'max' if element.greatest else 'min'}({compiler.process(element.clauses, **options)})"


@compiles(_Outermost, "postgresql")
def _postgresql(element: _Outermost, compiler: SQLCompiler, **options: Any) -> str:
    return f"{'greatest' if element.greatest else 'least'}({compiler.process(element.clauses, **options)})"


def sort_key(row: FromClause, key: AnySort, type_number: int, label: str, view: View) -> ColumnElement[Any]:
    """Return the value to sort resources of a type by; one without a value comes last in either direction.

    Args:
        row: The resource at hand.
        key: The sort key.
        type_number: The number of its type.
        label: What the aliases of the key begin with.
        view: What the search sees; what a resource refers to must exist in it.
    """
    if isinstance(key, ChainedSort):
        found = [_referred_key(row, key, number, label, view) for number in range(len(key.branches))]
        return found[0] if len(found) == 1 else _Outermost(found, greatest=key.descending)
    if key.code == PLACE.code:
        return row.c.patient_key
    if key.code == "_lastUpdated":
        return view.last_updated(row)
    if key.code == "_id":
        return row.c.id
    if key.type == "date" and not view.as_of and key.parameter == clinical_date_parameter(NAMES[type_number]):
        date = row.c.clinical_date
        return date if key.descending else case((date == NO_DATE, _last_value(key)), else_=date)
    return func.coalesce(
        _in_body(row, key, view) if key.type in IN_BODY else _in_index(row, key, view), _last_value(key)
    )


def _in_body(row: FromClause, key: SortShape, view: View) -> ColumnElement[Any]:
    body = version_table.alias()
    text = OrderText(body.c.body, key.paths or by_id(key.parameter).paths, greatest=key.descending)
    return select(text).select_from(body).where(view.same_row(body, row)).correlate_except(body).scalar_subquery()


def _in_index(row: FromClause, key: SortShape, view: View) -> ColumnElement[Any]:
    index = TABLES[key.type].alias()
    column = index.c.value if key.type in ("string", "uri") else index.c.lo
    best = func.max(column) if key.descending else func.min(column)
    here = and_(index.c.parameter == key.parameter, view.same_row(index, row))
    return select(best).select_from(index).where(here).correlate_except(index).scalar_subquery()


def _referred_key(row: FromClause, key: ChainedSort, number: int, label: str, view: View) -> ColumnElement[Any]:
    """Return the value of one branch: the least, or turned round the greatest, of all that the resource refers to."""
    here = inside(label, number)
    type_number, inner = key.branches[number]
    rows, conditions, own = referred(row, key.parameter, type_number, here, view)
    value = sort_key(own[-1], inner, type_number, here, view)
    best = func.max(value) if key.descending else func.min(value)
    found = select(best).select_from(rows).where(*conditions, view.exists(own[-1])).correlate_except(*own)
    return func.coalesce(found.scalar_subquery(), _last_value(key))


def _last_value(key: AnySort) -> ColumnElement[Any]:
    if key.type in _TEXTS:
        return literal("" if key.descending else "\U0010ffff", Text)
    if key.type == "date":
        return literal(NO_DATE if key.descending else NO_VALUE, BigInteger)
    return literal(-1e308 if key.descending else 1e308, Float)


def comparable(type_: str) -> str:
    """Return the kind of a parameter type's values; those of one kind compare with each other."""
    return "text" if type_ in _TEXTS else "date" if type_ == "date" else "number"


def sort_type(key: AnySort) -> Any:
    """Return the SQL type of a sort key."""
    return {"text": Text(), "date": BigInteger(), "number": Float()}[comparable(key.type)]
