"""From a criterion to SQL conditions on the rows of its index table, with the values left to named binds.

A criterion's *shape* is everything about it that changes the SQL; queries of one shape share one statement.
https://hl7.org/fhir/R4/search.html#prefix
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Float, FromClause, Table, Text, and_, bindparam, or_
from sqlalchemy.types import TypeEngine

from fhir.errors import NotSupported
from fhir.search import near
from fhir.search.full_text import text_binds, text_condition
from fhir.search.numbers import NUMBERS, in_numbers
from fhir.search.tree import any_of
from fhir.search.uri import DEEPEST
from fhir.search.values import (
    AncestorsValue,
    CodesValue,
    DateValue,
    NearValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TermValue,
    TextValue,
    TokenValue,
    UriValue,
    Value,
)
from fhir.store.tables import (
    index_date,
    index_number,
    index_quantity,
    index_reference,
    index_string,
    index_text,
    index_token,
    index_uri,
)

Condition = ColumnElement[bool]
Bind = Callable[[str], ColumnElement[Any]]

AFTER_EVERY_TEXT = "\U0010ffff"
"""Follows a prefix to make the first text after all that begin with it."""

TABLES: dict[str, Table] = {
    "token": index_token,
    "string": index_string,
    "reference": index_reference,
    "uri": index_uri,
    "date": index_date,
    "number": index_number,
    "quantity": index_quantity,
    "text": index_string,
    "near": index_number,
    "fulltext": index_text,
}
"""The index table of each parameter type; the text of codes and positions have none of their own."""

FROM_ITS_START = frozenset({"ge", "gt", "eq", "sa", "ap", "po"})
"""Prefixes by which a value ends after what is asked begins."""

BEFORE_ITS_END = frozenset({"le", "lt", "eq", "eb", "ap", "po"})
"""Prefixes by which a value begins before what is asked ends."""

_INTEGER: TypeEngine[Any] = BigInteger()
_TYPES: dict[str, TypeEngine[Any]] = {
    **dict.fromkeys(("text", "after", "like", "ending", "below"), Text()),
    **dict.fromkeys(("low", "high", "value", "latitude", "longitude", "distance"), Float()),
    "codes": NUMBERS,
    **{f"text{number}": Text() for number in range(2 * DEEPEST + 1)},
}
"""The SQL types of binds that are no whole numbers."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a criterion changes the SQL."""

    parameter: int
    type: str
    code: str
    modifier: str | None
    values: tuple[str, ...]
    """One word for each alternative: which binds it has and how it compares."""


def _token(value: TokenValue) -> tuple[str, dict[str, Any]]:
    binds = {"code": value.code_hash, "system": value.system_hash}
    present = {name: bound for name, bound in binds.items() if bound is not None}
    return "+".join(present), present


def _codes(value: CodesValue) -> tuple[str, dict[str, Any]]:
    return "codes", {"codes": value.code_hashes, "system": value.system_hash}


def _term(_: TermValue) -> tuple[str, dict[str, Any]]:
    raise NotSupported("What needs a terminology (:in, :not-in, :above, :below of codes) cannot be asked here")


def _string(value: StringValue) -> tuple[str, dict[str, Any]]:
    text = value.folded
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return "string", {
        "text": text,
        "after": text + AFTER_EVERY_TEXT,
        "exact": value.exact_hash,
        "like": f"%{escaped}%",
        "ending": f"%{escaped}",
    }


def _interval(value: DateValue) -> tuple[str, dict[str, Any]]:
    return value.prefix, {"lo": value.lo, "hi": value.hi}


def _number(value: NumberValue) -> tuple[str, dict[str, Any]]:
    return value.prefix, {"low": value.lo, "high": value.hi, "value": value.value}


def _quantity(value: QuantityValue) -> tuple[str, dict[str, Any]]:
    binds: dict[str, Any] = {}
    units = ((value.lo, value.hi, value.value, value.unit_hash), *value.others)
    for n, (lo, hi, number, unit) in enumerate(units):
        binds |= {f"low{n}": lo, f"high{n}": hi, f"value{n}": number, f"unit{n}": unit}
    return f"{value.prefix}{len(units)}", binds


def _reference(value: ReferenceValue) -> tuple[str, dict[str, Any]]:
    return str(len(value.hashes)), {f"target{n}": target for n, target in enumerate(value.hashes)}


def _uri(value: UriValue) -> tuple[str, dict[str, Any]]:
    below = value.text.rstrip("/") + "/"
    return "uri", {"text": value.text, "below": below, "after": below + AFTER_EVERY_TEXT}


def _ancestors(value: AncestorsValue) -> tuple[str, dict[str, Any]]:
    return str(len(value.texts)), {f"text{n}": text for n, text in enumerate(value.texts)}


def _near(value: NearValue) -> tuple[str, dict[str, Any]]:
    return "near", {"latitude": value.latitude, "longitude": value.longitude, "distance": value.distance}


_BINDS: dict[type, Callable[[Any], tuple[str, dict[str, Any]]]] = {
    TokenValue: _token,
    CodesValue: _codes,
    TermValue: _term,
    StringValue: _string,
    DateValue: _interval,
    NumberValue: _number,
    QuantityValue: _quantity,
    ReferenceValue: _reference,
    UriValue: _uri,
    AncestorsValue: _ancestors,
    NearValue: _near,
    TextValue: text_binds,
}


def words_and_binds(values: Sequence[Value], label: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the words of a shape for `values` and the values of its binds, which begin with `label`."""
    words: list[str] = []
    bound: dict[str, Any] = {}
    for alternative, value in enumerate(values):
        word, binds = _BINDS[type(value)](value)
        words.append(word)
        bound.update({f"c{label}_{alternative}_{name}": one for name, one in binds.items()})
    return tuple(words), bound


def _token_condition(row: FromClause, word: str, _: str | None, bind: Bind) -> Condition:
    if word == "codes":
        return and_(row.c.system_hash == bind("system"), in_numbers(row.c.code_hash, bind("codes")))
    columns = {"code": row.c.code_hash, "system": row.c.system_hash}
    return and_(*(columns[name] == bind(name) for name in word.split("+")))


def _string_condition(row: FromClause, _: str, modifier: str | None, bind: Bind) -> Condition:
    if modifier == "contains":
        return row.c.value.like(bind("like"), escape="\\")
    if modifier == "ends-with":
        return row.c.value.like(bind("ending"), escape="\\")
    if modifier == "equals":
        return row.c.value == bind("text")
    if modifier == "exact":
        return and_(row.c.value == bind("text"), row.c.exact_hash == bind("exact"))
    return and_(row.c.value >= bind("text"), row.c.value < bind("after"))


def _interval_condition(row: FromClause, word: str, _: str | None, bind: Bind) -> Condition:
    """Compare the row's interval with the query's: `eq` by containment, `ap` by overlap."""
    lo, hi = row.c.lo, row.c.hi
    conditions: dict[str, Callable[[], Condition]] = {
        "eq": lambda: and_(lo >= bind("lo"), hi <= bind("hi")),
        "ne": lambda: or_(lo < bind("lo"), hi > bind("hi")),
        "gt": lambda: hi > bind("hi"),
        "lt": lambda: lo < bind("lo"),
        "ge": lambda: or_(lo >= bind("lo"), hi > bind("hi")),
        "le": lambda: or_(hi <= bind("hi"), lo < bind("lo")),
        "sa": lambda: lo >= bind("hi"),
        "eb": lambda: hi <= bind("lo"),
        "ap": lambda: and_(lo < bind("hi"), hi > bind("lo")),
        "po": lambda: and_(lo < bind("hi"), hi > bind("lo")),
    }
    return conditions[word]()


def _number_condition(row: FromClause, word: str, _: str | None, bind: Bind) -> Condition:
    """Compare the row's range (a number is one of no length) with the query's value and its precision."""
    lo, hi = row.c.lo, row.c.hi
    conditions: dict[str, Callable[[], Condition]] = {
        "eq": lambda: and_(lo >= bind("low"), hi < bind("high")),
        "ne": lambda: or_(lo < bind("low"), hi >= bind("high")),
        "gt": lambda: hi > bind("value"),
        "lt": lambda: lo < bind("value"),
        "ge": lambda: hi >= bind("value"),
        "le": lambda: lo <= bind("value"),
        "sa": lambda: lo > bind("value"),
        "eb": lambda: hi < bind("value"),
        "ap": lambda: and_(lo <= bind("high"), hi >= bind("low")),
    }
    return conditions[word]()


def _quantity_condition(row: FromClause, word: str, modifier: str | None, bind: Bind) -> Condition:
    """Compare in each unit: the prefix is followed by how many there are."""
    prefix, count = word[:2], int(word[2:])

    def of(n: int) -> Bind:
        return lambda name: bind(f"{name}{n}")

    return or_(
        *(
            and_(row.c.unit_hash == bind(f"unit{n}"), _number_condition(row, prefix, modifier, of(n)))
            for n in range(count)
        )
    )


def _reference_condition(row: FromClause, word: str, _: str | None, bind: Bind) -> Condition:
    # A list is flat: SQLite takes an expression of a thousand levels at most, and a bare id may be of any type.
    return row.c.target_hash.in_([bind(f"target{n}") for n in range(int(word))])


def _uri_condition(row: FromClause, word: str, modifier: str | None, bind: Bind) -> Condition:
    if modifier == "above":
        return row.c.value.in_([bind(f"text{n}") for n in range(int(word))])
    itself = row.c.value == bind("text")
    if modifier == "below":
        return or_(itself, and_(row.c.value >= bind("below"), row.c.value < bind("after")))
    return itself


def _text_condition(row: FromClause, _: str, __: str | None, bind: Bind) -> Condition:
    return row.c.value.like(bind("like"), escape="\\")


def _near_condition(row: FromClause, _: str, __: str | None, bind: Bind) -> Condition:
    return near.condition(row, bind)


_CONDITIONS: dict[str, Callable[[FromClause, str, str | None, Bind], Condition]] = {
    "token": _token_condition,
    "string": _string_condition,
    "date": _interval_condition,
    "number": _number_condition,
    "quantity": _quantity_condition,
    "reference": _reference_condition,
    "uri": _uri_condition,
    "text": _text_condition,
    "near": _near_condition,
}


def binder(prefix: str) -> Bind:
    """Return a function that makes the binds `<prefix>_<name>`; a number after the name is not looked at."""
    return lambda name: bindparam(f"{prefix}_{name}", type_=_TYPES.get(name.rstrip("0123456789"), _INTEGER))


def matches(row: FromClause, criterion: Shape, label: str) -> Condition:
    """Return whether an index row matches any alternative of a criterion, whose binds begin with `label`."""
    if criterion.type == "fulltext":
        found = [
            text_condition(row, criterion.code, word, binder(f"c{label}_{alternative}"))
            for alternative, word in enumerate(criterion.values)
        ]
        return and_(row.c.parameter == criterion.parameter, any_of(found))
    build = _CONDITIONS[criterion.type]
    alternatives: Sequence[Condition] = [
        build(row, word, criterion.modifier, binder(f"c{label}_{alternative}"))
        for alternative, word in enumerate(criterion.values)
    ]
    own = row.c.parameter == criterion.parameter
    return and_(own, any_of(alternatives)) if alternatives else own


class PartRow:
    """A row of `index_composite` in the form of a row of the index that its part is of."""

    def __init__(self, row: FromClause) -> None:
        self.c = _PartColumns(row)


class _PartColumns:
    def __init__(self, row: FromClause) -> None:
        self.parameter = row.c.parameter
        self.code_hash = self.target_hash = self.unit_hash = row.c.hash
        self.system_hash = row.c.second
        self.lo, self.hi = row.c.lo, row.c.hi


def part_matches(row: FromClause, part: Shape, label: str) -> Condition:
    """Return whether a row of `index_composite` matches a part of what an element must fulfil."""
    seen: Any = PartRow(row)
    return matches(seen, part, label)
