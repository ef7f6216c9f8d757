"""The SQL of a search: one statement that gives a page of matches, their bodies and the exact total.

The most selective criterion *drives*: its index rows are walked and joined to the resources; each other criterion is
tested on the resource at hand. The visibility is applied to every alias before anything is counted or cut.
https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    FromClause,
    Integer,
    Select,
    SmallInteger,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)

from fhir.search.predicates import TABLES, Condition, Shape, binder, matches
from fhir.store.connection import Visibility
from fhir.store.facts import clinical_date_parameter, has_one_subject
from fhir.store.in_order import in_order
from fhir.store.read import COLUMNS
from fhir.store.statements import by_shape
from fhir.store.tables import NO_DATE, index_date, index_number, index_quantity, index_string, resource, resource_id
from fhir.store.tables import resource_version as version_table
from fhir.store.types import NAMES

Scope = Callable[[Sequence[ColumnElement[int]], Visibility], Select[tuple[int]]]
"""From the hashes that a Patient reference may mean to the patient keys of that person that the caller may speak of."""

BY_ROW = frozenset({"date", "number", "quantity"})
"""Types whose index is entered by the row."""

KEYS = (resource.c.row, resource.c.version, resource.c.labels)
"""What is read of a match whose body is in memory; its labels may have changed since."""

_DRIVERS = ("_id", "identifier", "reference", "token", "string", "uri")
"""Which criterion drives, the most selective first: codes, then types."""


@dataclass(frozen=True, slots=True)
class SortShape:
    """A sort key: its parameter and direction."""

    parameter: int
    type: str
    code: str
    descending: bool


@dataclass(frozen=True, slots=True)
class QueryShape:
    """Everything of a query that changes its SQL."""

    type: int
    criteria: tuple[Shape, ...]
    sort: tuple[SortShape, ...]
    scope: int | None
    """The number of the criterion that names the patient, when the patient key answers it."""
    after: bool
    """Whether the page begins after a cursor."""


def _same_row(index: FromClause, row: FromClause) -> Condition:
    return and_(
        index.c.patient_key == row.c.patient_key,
        index.c.row == row.c.row,
        index.c.version == row.c.version,
    )


def _by_clinical_date(row: FromClause, criterion: Shape, number: int, found: Condition) -> Condition:
    """Return `found`, a look into the date index, asked only where the clinical date does not settle it.

    The date has one index row at most, which begins at the clinical date.
    """
    date = row.c.clinical_date
    settled: list[Condition] = []
    possible: list[Condition] = []
    for alternative, prefix in enumerate(criterion.values):
        bind = binder(f"c{number}_{alternative}")
        if prefix == "ge":
            settled.append(date >= bind("lo"))
        elif prefix in ("gt", "sa"):
            settled.append(date >= bind("hi"))
        elif prefix in ("lt", "le"):
            settled.append(and_(date != NO_DATE, date < bind("lo")))
        elif prefix == "eq":
            possible.append(and_(date >= bind("lo"), date < bind("hi")))
    if len(possible) == len(criterion.values):
        return and_(or_(*possible), found)
    return or_(*settled, found)


def _test(row: FromClause, criterion: Shape, number: int, type_number: int) -> Condition:
    """Return whether the resource at hand, of a type, meets a criterion."""
    if criterion.modifier == "missing" and criterion.code in ("_id", "_lastUpdated"):
        return false() if criterion.values == ("true",) else true()
    if criterion.code == "_id":
        ids = [row.c.id == bindparam(f"c{number}_{n}_id", type_=Text()) for n in range(len(criterion.values))]
        found: Condition = or_(*ids)
        return ~found if criterion.modifier == "not" else found
    if criterion.code == "_lastUpdated":
        return _instant_matches(row, criterion, number)
    index = TABLES[criterion.type].alias()
    if criterion.modifier == "missing":
        present = exists().where(index.c.parameter == criterion.parameter, _same_row(index, row))
        return ~present if criterion.values == ("true",) else present
    found = exists().where(matches(index, criterion, number), _same_row(index, row))
    if criterion.type == "date" and criterion.parameter == clinical_date_parameter(NAMES[type_number]):
        return _by_clinical_date(row, criterion, number, found)
    return ~found if criterion.modifier == "not" else found


class _Instant:
    """The last update of a row in the form of an index row: a millisecond."""

    def __init__(self, row: FromClause) -> None:
        self.c = _InstantColumns(row)


class _InstantColumns:
    def __init__(self, row: FromClause) -> None:
        self.lo = row.c.last_updated
        self.hi = row.c.last_updated + 1000
        self.parameter = literal(0, BigInteger)


def _instant_matches(row: FromClause, criterion: Shape, number: int) -> Condition:
    moment: Any = _Instant(row)
    as_date = Shape(0, "date", criterion.code, criterion.modifier, criterion.values)
    return matches(moment, as_date, number)


def _driver(shape: QueryShape) -> int | None:
    """Return the number of the criterion to walk, or None to walk the resources of the type or the patient."""
    best: tuple[int, int] | None = None
    for number, criterion in enumerate(shape.criteria):
        if number == shape.scope or criterion.modifier in ("not", "missing") or "system" in criterion.values:
            continue
        for rank, word in enumerate(_DRIVERS):
            if word in (criterion.code, criterion.type) and (best is None or (rank, number) < best):
                best = (rank, number)
    return best[1] if best else None


def _walk(shape: QueryShape, number: int, keys: FromClause | None) -> FromClause:
    """Return the distinct rows that meet the driving criterion, within the patient's keys if they are known."""
    criterion = shape.criteria[number]
    if criterion.code == "_id":
        hashes = [bindparam(f"c{number}_{n}_hash", type_=BigInteger()) for n in range(len(criterion.values))]
        wanted = or_(*(resource_id.c.hash == one for one in hashes))
        return select(resource_id.c.patient_key, resource_id.c.row).where(wanted).subquery("w")
    index = TABLES[criterion.type].alias("i")
    rows = select(index.c.patient_key, index.c.row, index.c.version)
    if keys is None:
        rows = rows.where(matches(index, criterion, number))
    else:
        known = and_(matches(index, criterion, number), index.c.patient_key == keys.c.patient_key)
        rows = rows.select_from(in_order(keys, index, known))
    one_row_each = criterion.values in (("code+system",), ("1",))
    return (rows if one_row_each else rows.distinct()).subquery("w")


def sort_key(row: FromClause, key: SortShape, type_number: int) -> ColumnElement[Any]:
    """Return the value to sort resources of a type by; one without a value comes last in either direction."""
    if key.code == "_lastUpdated":
        return row.c.last_updated
    if key.code == "_id":
        return row.c.id
    if key.type == "date" and key.parameter == clinical_date_parameter(NAMES[type_number]):
        date = row.c.clinical_date
        return date if key.descending else case((date == NO_DATE, _last_value(key)), else_=date)
    index = {"date": index_date, "number": index_number, "quantity": index_quantity, "string": index_string}[
        key.type
    ].alias()
    column = index.c.value if key.type == "string" else index.c.lo
    best = func.max(column) if key.descending else func.min(column)
    found = select(best).where(index.c.parameter == key.parameter, _same_row(index, row)).scalar_subquery()
    return func.coalesce(found, _last_value(key))


def _last_value(key: SortShape) -> ColumnElement[Any]:
    if key.type == "string":
        return literal("" if key.descending else "\U0010ffff", Text)
    if key.type == "date":
        return literal(-(2**63) if key.descending else 2**63 - 1, BigInteger)
    return literal(-1e308 if key.descending else 1e308, Float)


def sort_type(key: SortShape) -> Any:
    """Return the SQL type of a sort key."""
    if key.type == "string" or key.code == "_id":
        return Text()
    return BigInteger() if key.type == "date" else Float()


def _after(page: FromClause, shape: QueryShape) -> Condition:
    """Return whether a row comes after the cursor: the keys in turn, then the row number."""
    conditions: list[Condition] = []
    equal: list[Condition] = []
    for number, key in enumerate(shape.sort):
        column, value = page.c[f"sort{number}"], bindparam(f"after{number}", type_=sort_type(key))
        conditions.append(and_(*equal, column < value if key.descending else column > value))
        equal.append(column == value)
    conditions.append(and_(*equal, page.c.row > bindparam("after_row", type_=BigInteger)))
    return or_(*conditions)


def _found(
    visibility: Visibility, shape: QueryShape, scope: Scope, columns: Sequence[Column[Any]]
) -> Select[tuple[Any, ...]]:
    """Return the select of all matches that exist for the caller: `columns` of `resource`, sort keys; in no order."""
    row = resource.alias("r")
    keys = None
    if shape.scope is not None:
        targets = int(shape.criteria[shape.scope].values[0])
        names = [f"c{shape.scope}_0_target{target}" for target in range(targets)]
        known = scope([bindparam(name, type_=BigInteger()) for name in names], visibility)
        # One Patient is of one person, and a row is about one Patient where the type has room for no more: then its
        # keys are distinct as they come; to make sure costs SQLite a table.
        distinct = targets == 1 and has_one_subject(NAMES[shape.type])
        keys = (known if distinct else known.distinct()).subquery("k")
    driver = _driver(shape)
    sorts = [sort_key(row, key, shape.type).label(f"sort{number}") for number, key in enumerate(shape.sort)]
    found = select(*(row.c[one.name] for one in columns), *sorts)
    if driver is not None:
        walked = _walk(shape, driver, keys)
        same = [walked.c.patient_key == row.c.patient_key, walked.c.row == row.c.row]
        if "version" in walked.c:
            same.append(walked.c.version == row.c.version)
        found = found.select_from(in_order(walked, row, and_(*same)))
    elif keys is not None:
        of_patient = and_(row.c.patient_key == keys.c.patient_key, row.c.type == bindparam("type", type_=SmallInteger))
        found = found.select_from(in_order(keys, row, of_patient))
    found = found.where(row.c.type == bindparam("type", type_=SmallInteger), row.c.deleted == 0)
    if shape.scope is not None:
        found = found.where(row.c.by_subject == 1)
    for number, criterion in enumerate(shape.criteria):
        if number != shape.scope and (number != driver or criterion.code == "_id"):
            found = found.where(_test(row, criterion, number, shape.type))
    # Last, because databases test in this order, and what a person's grants say of a row costs more than the rest.
    return found.where(visibility.condition(row))


def _chosen(visibility: Visibility, shape: QueryShape, scope: Scope, columns: Sequence[Column[Any]]) -> Subquery:
    """Return the select of a page: columns of `resource`, the total of the query, the sort keys; in no order."""
    # Materialised, so that the total is counted on the matches that were found, not by finding them again.
    matched = _found(visibility, shape, scope, columns).cte("m").prefix_with("MATERIALIZED")
    cut = select(*matched.c, select(func.count()).select_from(matched).scalar_subquery().label("total"))
    if shape.after:
        cut = cut.where(_after(matched, shape))
    return cut.order_by(*_order(matched, shape)).limit(bindparam("limit", type_=Integer)).subquery("p")


def _sorts(chosen: FromClause, shape: QueryShape) -> list[ColumnElement[Any]]:
    return [chosen.c.total, *(chosen.c[f"sort{number}"] for number in range(len(shape.sort)))]


@by_shape
def keys(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[tuple[Any, ...]]:
    """Return the statement of a page without its bodies: `KEYS`, the total of the query, the sort keys."""
    chosen = _chosen(visibility, shape, scope, KEYS)
    return select(*(chosen.c[one.name] for one in KEYS), *_sorts(chosen, shape))


@by_shape
def page(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[tuple[Any, ...]]:
    """Return the statement of a page: columns of a stored version, the total of the query, the sort keys.

    The rows come in no order: which ones they are is decided here, and to sort their bodies once more would cost more
    than to sort the few rows where they arrive.
    """
    chosen = _chosen(visibility, shape, scope, [one for one in COLUMNS if one.table is resource] + [resource.c.version])
    columns = [version_table.c[one.name] if one.table is version_table else chosen.c[one.name] for one in COLUMNS]
    return select(*columns, *_sorts(chosen, shape)).select_from(
        in_order(
            chosen,
            version_table,
            and_(
                version_table.c.patient_key == chosen.c.patient_key,
                version_table.c.row == chosen.c.row,
                version_table.c.version == chosen.c.version,
            ),
        )
    )


@by_shape
def count(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[Any]:
    """Return the statement of the total alone; it has no row when nothing matches.

    The gate takes an answer without rows as the sign to look whether the caller's rights are still current.
    """
    matched = _found(visibility, shape, scope, KEYS).subquery("m")
    return select(func.count()).select_from(matched).having(func.count() > 0)


def _order(rows: FromClause, shape: QueryShape) -> list[ColumnElement[Any]]:
    keys = [
        rows.c[f"sort{number}"].desc() if key.descending else rows.c[f"sort{number}"].asc()
        for number, key in enumerate(shape.sort)
    ]
    return [*keys, rows.c.row.asc()]
