"""A search request read into what resources must fulfil and how the answer is to look.

https://hl7.org/fhir/R4/search.html
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from fhir.errors import FhirError, InvalidValue, NotSupported, TooCostly, UnknownParameter
from fhir.search import chain, control, criterion, date, filtering
from fhir.search.asked import Asked, Chain, Criterion, nesting, steps
from fhir.search.asked import criteria as criteria_of
from fhir.search.chain import MOST_STEPS, too_many_steps
from fhir.search.control import Include
from fhir.search.criterion import Region
from fhir.search.in_force import R4, InForce
from fhir.search.order import comparable
from fhir.search.values import AncestorsValue, QuantityValue, ReferenceValue, TermValue, Value

MOST = 1000
"""Resources a page holds at most, whatever `_count` says, unless the caller of `parse` sets another cap."""

MOST_VALUES = 500
"""Values that a search compares with; databases limit how deep an expression may be."""

MOST_TARGETS = 5000
"""Hashes and texts that a search compares with: a bare id stands for one of each type that it may be of.

Databases limit the values that a statement is given, to 32,000.
"""

DEEPEST = 10
"""How deep conditions nest: a reference that is followed counts two, `and`, `or` and `not` one.

SQLite's parser, whose stack is 100 deep, ends soon after.
"""

LONGEST_KEPT = 128
"""Characters of a value that is read once and kept: the same codes and dates are asked for all day."""

_criterion = lru_cache(maxsize=4096)(criterion.parse)
_region = lru_cache(maxsize=16)(Region)


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of the order; resources without a value come last.

    Attributes:
        asked: Whose value it is: of a parameter, or of one at the end of a chain.
        descending: Whether the greatest comes first.
    """

    asked: Criterion | Chain
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A search.

    Attributes:
        type: The resource type that is searched.
        criteria: All must hold.
        count: Resources on a page, capped; None if not asked for.
        sort: Keys of the order, the first decides first.
        total: `none`, `estimate`, `accurate`, or None if not asked for.
        summary: `true`, `text`, `data`, `count`, `false`, or None if not asked for.
        elements: Names of the elements that are wanted; empty for all.
        includes: `_include` and `_revinclude`, not yet read.
        cursor: The opaque text that a page link carried.
        has_terms: Whether values stand for codes that a terminology knows (`fhir.search.terms`).
        ignored: (name, value) of parameters that lenient handling left out; the self link lacks them.
    """

    type: str
    criteria: tuple[Asked, ...] = ()
    count: int | None = None
    sort: tuple[Sort, ...] = ()
    total: str | None = None
    summary: str | None = None
    elements: tuple[str, ...] = ()
    includes: tuple[Include, ...] = ()
    cursor: str | None = None
    has_terms: bool = False
    ignored: tuple[tuple[str, str], ...] = ()


def parse(
    type_name: str,
    pairs: Sequence[tuple[str, str]],
    *,
    lenient: bool,
    base_url: str = "",
    zone: dt.timezone = date.JST,
    japanese: bool = False,
    most: int = MOST,
    known: InForce = R4,
) -> Query:
    """Return the search that the parameters of a request ask for.

    Args:
        type_name: The resource type that is searched.
        pairs: Names (with modifiers) and values, percent-decoded, in the order of the request.
        lenient: Whether parameters the type does not have are left out (`Prefer: handling=lenient`).
            What R4 has and this server does not support is refused all the same: leaving out a restriction
            that the caller relies on would disclose more than was asked.
        base_url: The server's own, without a closing slash; absolute references under it are local.
        zone: The fixed offset that dates without one are meant in.
        japanese: Whether strings are folded further, as index rows are.
        most: The cap of `_count`.
        known: The search parameters there are.

    Raises:
        UnknownParameter: The type has no such parameter, and `lenient` is false.
        NotSupported: A parameter or modifier is not supported; the text names it.
        InvalidValue: A value is empty or not of its type's form, or there are more than `MOST_VALUES`.
        TooCostly: Chains are too long or lead to too many types.
    """
    region = _region(base_url, zone, japanese, known)
    fields: dict[str, Any] = {}
    criteria: list[Asked] = []
    ignored: list[tuple[str, str]] = []
    for name, text in pairs:
        code = name.partition(":")[0]
        try:
            if name == "_filter":
                criteria.append(filtering.parse(type_name, text, region))
            elif code in control.NAMES:
                control.read(fields, name, text)
            elif code == "_sort":
                if name != code:
                    raise NotSupported(f"{name} is not supported", name)
                if "sort" in fields:
                    raise InvalidValue("_sort is there twice", "_sort")
                fields["sort"] = (
                    _lenient_sort(type_name, text, ignored, known) if lenient else _sort(type_name, text, known)
                )
            else:
                read = _criterion if len(text) <= LONGEST_KEPT else criterion.parse
                criteria.append(read(type_name, name, text, region))
        except UnknownParameter:
            if not lenient:
                raise
            ignored.append((name, text))
    _check_cost([*criteria, *(key.asked for key in fields.get("sort", ()))])
    if any(isinstance(value, TermValue) for part in criteria for one in criteria_of(part) for value in one.values[:1]):
        fields["has_terms"] = True
    _check_times(pairs, criteria)
    if "count" in fields:
        fields["count"] = min(fields["count"], most)
    return Query(type_name, tuple(criteria), **fields, ignored=tuple(ignored))


def _check_cost(asked: Sequence[Asked]) -> None:
    values = [value for part in asked for one in criteria_of(part) for value in one.values]
    if len(values) + sum(len(value.others) for value in values if isinstance(value, QuantityValue)) > MOST_VALUES:
        raise InvalidValue(f"a search has at most {MOST_VALUES} values, each unit of a quantity counted")
    if sum(map(_targets, values)) > MOST_TARGETS:
        raise TooCostly("a search has too many ids that may be of many types; name the types: Type/id")
    if any(nesting(part) > DEEPEST for part in asked):
        raise TooCostly("a search nests too deep: fewer references in a row, or fewer parentheses")
    if sum(map(steps, asked)) > MOST_STEPS:
        raise too_many_steps()


def _check_times(pairs: Sequence[tuple[str, str]], asked: Sequence[Asked]) -> None:
    """Refuse a parameter of the hub's own that is there twice and may not be."""
    for part in asked:
        for one in criteria_of(part):
            rules, code = one.parameter.rules, one.parameter.code
            if rules is not None and not rules.several_times:
                names = [name for name, _ in pairs if code in re.split("[.:]", name)]
                if len(names) > 1:
                    raise NotSupported(f"{code} may be there once only", names[1])


def _targets(value: Value) -> int:
    if isinstance(value, ReferenceValue):
        return len(value.hashes)
    return len(value.texts) if isinstance(value, AncestorsValue) else 1


def _key(type_name: str, key: str, known: InForce) -> Sort:
    return Sort(_sorted_by(type_name, key.removeprefix("-"), 0, known), key.startswith("-"))


def _sorted_by(type_name: str, name: str, depth: int, known: InForce) -> Criterion | Chain:
    """Return whose value puts a type in order; a chain leads to values that compare with each other."""
    if not chain.is_chained(name):
        return Criterion(criterion.find(type_name, name, known), None, ())
    found = chain.parse(type_name, name, depth, partial(_sorted_by, known=known), known)
    if not isinstance(found, Chain):
        raise NotSupported("an order follows references forwards only")
    if len({comparable(one.parameter.type) for one in criteria_of(found)}) > 1:
        raise InvalidValue(f"{name} leads to values that do not compare; name a type: reference:Type")
    return found


@lru_cache(maxsize=1024)
def _sort(type_name: str, text: str, known: InForce) -> tuple[Sort, ...]:
    """Return the keys of the order."""
    try:
        return tuple(_key(type_name, key, known) for key in text.split(","))
    except FhirError as error:
        raise type(error)(f"_sort: {error.diagnostics}", "_sort") from error


def _lenient_sort(type_name: str, text: str, ignored: list[tuple[str, str]], known: InForce) -> tuple[Sort, ...]:
    """Return the keys of the order, leaving out unknown ones, which are noted in `ignored`."""
    keys: list[Sort] = []
    for key in text.split(","):
        try:
            keys.append(_key(type_name, key, known))
        except UnknownParameter:
            ignored.append(("_sort", key))
    return tuple(keys)
