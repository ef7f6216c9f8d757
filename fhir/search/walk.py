"""Where a search begins: the most selective part of what is asked *drives*, and its index rows are walked.

A walk finds every resource that fulfils the part, and perhaps others: what it finds is tested, on what it refers to
as well, so a walk needs no visibility.
"""

from typing import TypeGuard

from sqlalchemy import BigInteger, FromClause, Select, and_, bindparam, select, tuple_, union
from sqlalchemy.sql.selectable import NamedFromClause

from fhir.search.condition import looked_up
from fhir.search.full_text import candidates
from fhir.search.predicates import TABLES, Condition, Shape, matches, part_matches
from fhir.search.shapes import AnyShape, ChainShape, ElementShape, HasShape, LogicShape, inside
from fhir.store.facts import clinical_date_parameter
from fhir.store.in_order import in_order
from fhir.store.tables import index_composite, index_date, index_reference, resource_id
from fhir.store.types import NAMES

_RANKS = {"_id": 0, "identifier": 1, "reference": 3, "token": 5, "string": 7, "uri": 8, "near": 8, "fulltext": 9}
"""How selective a criterion is by its code, else by its type; the least number is the most selective."""

_FOLLOWED = {0: 2, 1: 2, 2: 2, 3: 4, 4: 4, 7: 4}
"""The rank of a reference by the rank of what is asked at its end; those of codes come after all others."""

_LAST = 9

MOST_TRIED = 500
"""Dates that are looked at for one page before all matches are: to look at them costs one or two milliseconds."""

_ONE_VALUE = {"token": ("code+system", "code"), "reference": ("1",), "uri": ("uri",), "string": ("string",)}
"""The words of what one value of an index is asked for by, by type."""

_OF_VERSION = ("patient_key", "row", "version")

_RANKS_OF_MODIFIERS = {"identifier": 1, "in": 6, "contains": 10, "ends-with": 10, "text": 10}
"""The ranks of criteria that a modifier makes more or less selective than others of their type."""


def rank(shape: AnyShape) -> int | None:
    """Return how selective what is asked is, the least number the most; None when it cannot drive."""
    if isinstance(shape, ElementShape):
        return rank(shape.parts[0])
    if isinstance(shape, Shape):
        if shape.modifier in ("not", "not-in", "missing") or "system" in shape.values:
            return None
        if shape.modifier in _RANKS_OF_MODIFIERS:
            return _RANKS_OF_MODIFIERS[shape.modifier]
        return _RANKS.get(shape.code, _RANKS.get(shape.type))
    if isinstance(shape, LogicShape):
        return _rank_of_parts(shape)
    inner = [shape.inner] if isinstance(shape, HasShape) else [part for _, part in shape.branches]
    ranks = [found for part in inner if (found := rank(part)) is not None]
    return max(_FOLLOWED.get(one, _LAST) for one in ranks) if len(ranks) == len(inner) else None


def _rank_of_parts(shape: LogicShape) -> int | None:
    ranks = [found for part in shape.parts if (found := rank(part)) is not None]
    if shape.operator == "and":
        return min(ranks, default=None)
    return max(ranks) if shape.operator == "or" and len(ranks) == len(shape.parts) else None


def is_settled(shape: AnyShape) -> TypeGuard[Shape]:
    """Return whether a walk finds nothing but what fulfils the shape."""
    return isinstance(shape, Shape) and shape.code != "_id"


def narrowed(shape: AnyShape, label: str) -> tuple[AnyShape, str]:
    """Return the most selective part of what must all hold, and its label."""
    while isinstance(shape, LogicShape) and shape.operator == "and":
        ranks = [(found, number) for number, part in enumerate(shape.parts) if (found := rank(part)) is not None]
        number = min(ranks)[1]
        shape, label = shape.parts[number], inside(label, number)
    return shape, label


def has_index(shape: AnyShape, label: str) -> bool:
    """Return whether a walk can begin at the rows of a patient."""
    return isinstance(narrowed(shape, label)[0], Shape | ElementShape)


def is_in_place(shape: AnyShape) -> bool:
    """Return whether a walk of the whole population comes by the resources in the order of their places.

    It does where one value is asked for: its index rows lie patient by patient.
    """
    if isinstance(shape, LogicShape) and (shape.operator != "and" or rank(shape) is None):
        return False
    shape, _ = narrowed(shape, "")
    if isinstance(shape, ElementShape):
        shape = shape.parts[0]
    if not isinstance(shape, Shape) or shape.code == "_id" or len(shape.values) != 1:
        return False
    if shape.values[0] not in _ONE_VALUE.get(shape.type, ()):
        return False
    return {"string": shape.modifier in ("exact", "equals"), "uri": shape.modifier is None}.get(shape.type, True)


def walk(shape: AnyShape, label: str, keys: FromClause | None) -> FromClause:
    """Return the distinct rows that may fulfil what drives, within the patient's keys if they are known."""
    shape, label = narrowed(shape, label)
    if not isinstance(shape, Shape | ElementShape) or (isinstance(shape, Shape) and shape.code == "_id"):
        return _rows(shape, label).distinct().subquery("w")
    if keys is None and isinstance(shape, Shape) and shape.type == "fulltext":
        return _with_words(shape, label).subquery("w")
    index, known = _entered(shape, label, "i")
    rows = select(index.c.patient_key, index.c.row, index.c.version)
    if keys is None:
        rows = rows.where(known)
    else:
        rows = rows.select_from(in_order(keys, index, and_(known, index.c.patient_key == keys.c.patient_key)))
    one_row_each = isinstance(shape, Shape) and (shape.type == "fulltext" or shape.values in (("code+system",), ("1",)))
    return (rows if one_row_each else rows.distinct()).subquery("w")


def walk_in_place(shape: AnyShape, label: str, row: FromClause) -> tuple[FromClause, list[Condition]]:
    """Return the rows that may fulfil what drives as they lie in their index, of which no table is made.

    Some may be there twice: with the conditions, which are dear and come last, each is there once. They speak of the
    resource at hand, `row`, so that no database looks at them before it has it.
    """
    shape, label = narrowed(shape, label)
    if not isinstance(shape, Shape | ElementShape):
        raise TypeError("no index is walked")
    index, known = _entered(shape, label, "i")
    if isinstance(shape, Shape) and (shape.type in ("reference", "uri") or shape.values == ("code+system",)):
        return select(index.c.patient_key, index.c.row, index.c.version).where(known).subquery("w"), []
    # Those of one version follow each other: the first stands for them.
    rest = [column.name for column in index.c if column.primary_key][5:]
    here = select(*(index.c[name] for name in (*_OF_VERSION, *rest))).where(known).subquery("w")
    other, before = _entered(shape, label, "b")
    earlier = tuple_(*(other.c[name] for name in rest)) < tuple_(*(here.c[name] for name in rest))
    same = and_(other.c.patient_key == row.c.patient_key, other.c.row == row.c.row, other.c.version == here.c.version)
    return here, [~looked_up(other, [before, same, earlier], other)]


def by_date(parameter: int, type_number: int, *, greatest: bool) -> FromClause:
    """Return a row for each version that has a value of a date parameter: its greatest value, or its least."""
    index, other = index_date.alias("i"), index_date.alias("b")
    rows = select(index.c.patient_key, index.c.row, index.c.version, index.c.lo).where(index.c.parameter == parameter)
    if clinical_date_parameter(NAMES[type_number]) != parameter:
        here, there = tuple_(index.c.lo, index.c.hi), tuple_(other.c.lo, other.c.hi)
        same = [other.c[name] == index.c[name] for name in ("parameter", *_OF_VERSION)]
        rows = rows.where(~looked_up(other, [*same, there > here if greatest else there < here], other))
    return rows.subquery("w")


def _entered(shape: Shape | ElementShape, label: str, name: str) -> tuple[NamedFromClause, Condition]:
    """Return the index by which what is asked is found, and which of its rows are meant."""
    if isinstance(shape, Shape):
        index = TABLES[shape.type].alias(name)
        return index, matches(index, shape, label)
    index = index_composite.alias(name)
    return index, part_matches(index, shape.parts[0], inside(label, 0))


def _with_words(shape: Shape, label: str) -> Select[tuple[int, int, int]]:
    """Return the rows whose texts have what is asked; where no patient is named, its characters lead there."""
    found, texts = candidates(shape.parameter, label, shape.values)
    return (
        select(texts.c.patient_key, texts.c.row, texts.c.version).select_from(found).where(matches(texts, shape, label))
    )


def _rows(shape: AnyShape, label: str) -> Select[tuple[int, int]]:
    """Return patient key and row of all that may fulfil what is asked, some of it twice."""
    if isinstance(shape, Shape | ElementShape):
        return _by_value(shape, label)
    if isinstance(shape, ChainShape):
        return _any_of([_referring(shape, number, label) for number in range(len(shape.branches))], label)
    if isinstance(shape, HasShape):
        return _referred_to(shape, label)
    if shape.operator == "or":
        return _any_of([_rows(part, inside(label, number)) for number, part in enumerate(shape.parts)], label)
    return _rows(*narrowed(shape, label))


def _by_value(shape: Shape | ElementShape, label: str) -> Select[tuple[int, int]]:
    if isinstance(shape, Shape) and shape.code == "_id":
        hashes = [bindparam(f"c{label}_{n}_hash", type_=BigInteger()) for n in range(len(shape.values))]
        return select(resource_id.c.patient_key, resource_id.c.row).where(resource_id.c.hash.in_(hashes))
    if isinstance(shape, Shape) and shape.type == "fulltext":
        found = _with_words(shape, label).subquery(f"v{label}")
        return select(found.c.patient_key, found.c.row)
    index, known = _entered(shape, label, f"v{label}")
    return select(index.c.patient_key, index.c.row).where(known)


def _any_of(selects: list[Select[tuple[int, int]]], label: str) -> Select[tuple[int, int]]:
    if len(selects) == 1:
        return selects[0]
    found = union(*selects).subquery(f"u{label}")
    return select(found.c.patient_key, found.c.row)


def _referring(chain: ChainShape, number: int, label: str) -> Select[tuple[int, int]]:
    """Return what refers to the resources of one branch of a chain."""
    here = inside(label, number)
    target = _rows(chain.branches[number][1], here).subquery(f"w{here}")
    named, link = resource_id.alias(f"n{here}"), index_reference.alias(f"l{here}")
    rows = in_order(
        in_order(target, named, and_(named.c.patient_key == target.c.patient_key, named.c.row == target.c.row)),
        link,
        and_(link.c.parameter == chain.parameter, link.c.target_hash == named.c.hash),
    )
    return select(link.c.patient_key, link.c.row).select_from(rows)


def _referred_to(has: HasShape, label: str) -> Select[tuple[int, int]]:
    """Return what the resources refer to that fulfil what is asked."""
    here = inside(label, 0)
    source = _rows(has.inner, here).subquery(f"w{here}")
    named, link = resource_id.alias(f"n{here}"), index_reference.alias(f"l{here}")
    of_source = and_(
        link.c.patient_key == source.c.patient_key, link.c.row == source.c.row, link.c.parameter == has.parameter
    )
    rows = in_order(in_order(source, link, of_source), named, named.c.hash == link.c.target_hash)
    return select(named.c.patient_key, named.c.row).select_from(rows)
