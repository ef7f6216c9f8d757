"""Whether the resource at hand fulfils what a search asks of it.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    false,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.sql.selectable import NamedFromClause

from fhir.search.moment import View
from fhir.search.predicates import (
    BEFORE_ITS_END,
    FROM_ITS_START,
    TABLES,
    Condition,
    Shape,
    binder,
    matches,
    part_matches,
)
from fhir.search.shapes import AnyShape, ChainShape, ElementShape, HasShape, LogicShape, inside
from fhir.search.tree import all_of, any_of
from fhir.store.facts import clinical_date_parameter
from fhir.store.in_order import in_order
from fhir.store.tables import NO_DATE, index_composite, index_reference, resource, resource_id
from fhir.store.types import NAMES


def _same_version(part: FromClause, first: FromClause) -> Condition:
    """Return whether two index rows are of one version of a resource."""
    return and_(part.c.patient_key == first.c.patient_key, part.c.row == first.c.row, part.c.version == first.c.version)


def _by_clinical_date(row: FromClause, criterion: Shape, label: str, found: Condition) -> Condition:
    """Return `found`, a look into the date index, asked only where the clinical date does not settle it.

    The date has one index row at most, which begins at the clinical date.
    """
    date = row.c.clinical_date
    settled: list[Condition] = []
    possible: list[Condition] = []
    for alternative, prefix in enumerate(criterion.values):
        bind = binder(f"c{label}_{alternative}")
        if prefix == "ge":
            settled.append(date >= bind("lo"))
        elif prefix in ("gt", "sa"):
            settled.append(date >= bind("hi"))
        elif prefix in ("lt", "le"):
            settled.append(and_(date != NO_DATE, date < bind("lo")))
        elif prefix == "eq":
            possible.append(and_(date >= bind("lo"), date < bind("hi")))
    if len(possible) == len(criterion.values):
        return and_(any_of(possible), found)
    return any_of([*settled, found])


def test(row: FromClause, asked: AnyShape, label: str, type_number: int, view: View) -> Condition:
    """Return whether the resource at hand, of a type, fulfils what is asked of it.

    What it refers to, and what refers to it, must exist for the caller: each alias is under the visibility.
    """
    if isinstance(asked, Shape):
        return _own(row, asked, label, type_number, view)
    if isinstance(asked, ChainShape):
        return or_(*(_refers(row, asked, number, label, view) for number in range(len(asked.branches))))
    if isinstance(asked, HasShape):
        return _is_referred_to(row, asked, label, view)
    if isinstance(asked, ElementShape):
        return _has_element(row, asked, label, view)
    first = asked.parts[0]
    if asked.operator == "not" and isinstance(first, LogicShape) and first.operator == "not":
        # Nothing here is unknown, so the two cancel out; SQLite's parser counts each.
        return test(row, first.parts[0], inside(inside(label, 0), 0), type_number, view)
    parts = [test(row, part, inside(label, n), type_number, view) for n, part in enumerate(asked.parts)]
    if asked.operator == "not":
        return not_(parts[0])
    return all_of(parts) if asked.operator == "and" else any_of(parts)


def looked_up(rows: FromClause, conditions: Sequence[Condition], *own: FromClause) -> Condition:
    """Return whether `rows`, a join of `own` in order, has one that meets the conditions; asked for each row at hand.

    OFFSET 0 keeps PostgreSQL from reading the whole join instead.
    """
    found: Select[Any] = select(literal_column("1")).select_from(rows).where(*conditions).offset(literal_column("0"))
    return found.correlate_except(*own).exists()


def referred(
    row: FromClause, parameter: int, type_number: int, here: str, view: View
) -> tuple[FromClause, list[Condition], tuple[NamedFromClause, ...]]:
    """Return what finds the resources of a type that the one at hand refers to.

    Returns:
        What is selected from, under which conditions, and the aliases in it: that of the resources is the last.
    """
    link, named = index_reference.alias(f"l{here}"), resource_id.alias(f"n{here}")
    target = resource.alias(f"t{here}")
    rows = in_order(
        in_order(link, named, named.c.hash == link.c.target_hash),
        target,
        and_(target.c.patient_key == named.c.patient_key, target.c.row == named.c.row),
    )
    conditions = [link.c.parameter == parameter, view.same_row(link, row), target.c.type == type_number]
    return rows, conditions, (link, named, target)


def _refers(row: FromClause, chain: ChainShape, number: int, label: str, view: View) -> Condition:
    """Return whether the resource at hand refers to one of a branch of a chain."""
    here = inside(label, number)
    type_number, asked = chain.branches[number]
    rows, conditions, own = referred(row, chain.parameter, type_number, here, view)
    target = own[-1]
    return looked_up(rows, [*conditions, test(target, asked, here, type_number, view), view.exists(target)], *own)


def _is_referred_to(row: FromClause, has: HasShape, label: str, view: View) -> Condition:
    """Return whether a resource that fulfils what is asked refers to the one at hand."""
    here = inside(label, 0)
    named, link = resource_id.alias(f"n{here}"), index_reference.alias(f"l{here}")
    source = resource.alias(f"t{here}")
    rows = in_order(
        in_order(named, link, and_(link.c.parameter == has.parameter, link.c.target_hash == named.c.hash)),
        source,
        and_(
            source.c.patient_key == link.c.patient_key,
            source.c.row == link.c.row,
            link.c.version == view.version(source),
        ),
    )
    conditions = [
        named.c.patient_key == row.c.patient_key,
        named.c.row == row.c.row,
        source.c.type == has.type,
        test(source, has.inner, here, has.type, view),
        view.exists(source),
    ]
    return looked_up(rows, conditions, named, link, source)


def _own(row: FromClause, criterion: Shape, label: str, type_number: int, view: View) -> Condition:
    """Return whether the resource at hand, of a type, meets a criterion."""
    if criterion.modifier == "missing" and criterion.code in ("_id", "_lastUpdated"):
        return false() if criterion.values == ("true",) else true()
    if criterion.code == "_id":
        ids = [row.c.id == bindparam(f"c{label}_{n}_id", type_=Text()) for n in range(len(criterion.values))]
        found = any_of(ids)
        return ~found if criterion.modifier == "not" else found
    if criterion.code == "_lastUpdated":
        return _instant_matches(row, criterion, label, view)
    index = TABLES[criterion.type].alias()
    if criterion.modifier == "missing":
        present = exists().where(index.c.parameter == criterion.parameter, view.same_row(index, row))
        if criterion.code == "_text":
            present = present.where(index.c.narrative != "")
        return ~present if criterion.values == ("true",) else present
    # Of two codes PostgreSQL would otherwise join all rows of the one with all rows of the other.
    found = looked_up(index, [matches(index, criterion, label), view.same_row(index, row)], index)
    # What the clinical date was then is not known.
    settled = not view.as_of and criterion.parameter == clinical_date_parameter(NAMES[type_number])
    if criterion.type == "date" and settled:
        return _by_clinical_date(row, criterion, label, found)
    return ~found if criterion.modifier in ("not", "not-in") else found


def _has_element(row: FromClause, element: ElementShape, label: str, view: View) -> Condition:
    """Return whether one element of the resource at hand fulfils all parts."""
    parts = [index_composite.alias(f"e{inside(label, n)}") for n in range(len(element.parts))]
    first, rows = parts[0], cast("FromClause", parts[0])
    for n, part in enumerate(parts[1:], start=1):
        same = and_(_same_version(part, first), part.c.element == first.c.element)
        rows = in_order(rows, part, and_(part_matches(part, element.parts[n], inside(label, n)), same))
    conditions = [part_matches(first, element.parts[0], inside(label, 0)), view.same_row(first, row)]
    return looked_up(rows, conditions, *parts)


_MILLISECOND = 1_000


class _Instant:
    """The last update of a row in the form of an index row: a millisecond."""

    def __init__(self, row: FromClause, view: View) -> None:
        self.c = _InstantColumns(view.last_updated(row))


class _InstantColumns:
    def __init__(self, last_updated: ColumnElement[int]) -> None:
        self.lo = last_updated
        self.hi = last_updated + _MILLISECOND
        self.parameter = literal(0, BigInteger)


def _instant_matches(row: FromClause, criterion: Shape, label: str, view: View) -> Condition:
    moment: Any = _Instant(row, view)
    as_date = Shape(0, "date", criterion.code, criterion.modifier, criterion.values)
    found = [matches(moment, as_date, label)]
    if len(criterion.values) == 1:
        # Said of the column alone as well: then an index begins there. What was updated since was so after then.
        bind, (prefix,) = binder(f"c{label}_0"), criterion.values
        if prefix in FROM_ITS_START:
            found.append(row.c.last_updated > bind("lo") - _MILLISECOND)
        if prefix in BEFORE_ITS_END and not view.as_of:
            found.append(row.c.last_updated < bind("hi"))
    return and_(*found)
