"""`_filter`: one expression of comparisons, compiled to the same criteria as names and values of a query.

https://hl7.org/fhir/R4/search_filter.html
"""

import json
import re
from dataclasses import dataclass
from typing import Literal

from fhir.errors import InvalidValue, NotSupported, TooCostly, UnknownParameter
from fhir.search import chain, criterion, date, string
from fhir.search.asked import Asked, Chain, Criterion, Logic
from fhir.search.criterion import FULL_TEXT, Region
from fhir.search.values import DateValue, Value, missing, unescape

LONGEST = 4_000
"""Characters of an expression."""

DEEPEST = 8
"""How deep conditions nest; the names of tables in a statement grow with it, and PostgreSQL cuts them at 63 bytes."""

MOST_COMPARISONS = 50

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([()\[\]])|([^\s()\[\]"]+))')
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_:.-]*")

_ORDERED = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})
_OPERATORS = frozenset({*_ORDERED, "co", "sw", "ew", "pr", "po", "ss", "sb", "in", "re"})
_OF_STRINGS = {"eq": "equals", "co": "contains", "sw": None, "ew": "ends-with"}
"""From an operator to how a string's criterion compares."""
_OF_TERMS = {"in": "in", "ss": "below", "sb": "above"}
"""From an operator to the modifier that asks the same: the value subsumes what is found, or is subsumed by it."""


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A path, an operator and a value; or a path with a condition in brackets on what it leads to, and the rest."""

    path: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class _Bracket:
    reference: str
    condition: "_Expression"
    rest: "_Expression"


@dataclass(frozen=True, slots=True)
class _Joined:
    operator: Literal["and", "or", "not"]
    parts: tuple["_Expression", ...]


_Expression = _Comparison | _Bracket | _Joined


def _depth(expression: _Expression) -> int:
    if isinstance(expression, _Comparison):
        return 0
    inside = expression.parts if isinstance(expression, _Joined) else (expression.condition, expression.rest)
    return 1 + max(map(_depth, inside))


class _Reader:
    """Reads an expression from left to right; `and` and `or` bind alike, as R4 says."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise InvalidValue(f"a _filter has at most {LONGEST} characters")
        self._tokens: list[str] = []
        self._at = 0
        self._comparisons = 0
        end = 0
        while text[end:].strip():
            match = _TOKEN.match(text, end)
            if match is None:
                raise InvalidValue(f"_filter is not readable at {text[end : end + 20]!r}")
            self._tokens.append(match.group().strip())
            end = match.end()

    def whole(self) -> _Expression:
        """Return the expression; nothing may follow it."""
        found = self._joined(0)
        if _depth(found) > DEEPEST:
            raise TooCostly(f"a _filter nests at most {DEEPEST} deep")
        if self._at < len(self._tokens):
            raise InvalidValue(f"_filter goes on after its end: {self._tokens[self._at]!r}")
        return found

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise InvalidValue("_filter ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _expect(self, token: str) -> None:
        if (found := self._next()) != token:
            raise InvalidValue(f"_filter has {found!r} where {token!r} belongs")

    def _joined(self, depth: int) -> _Expression:
        if depth > DEEPEST:
            raise TooCostly(f"a _filter nests at most {DEEPEST} deep")
        left = self._one(depth)
        while self._peek() in ("and", "or"):
            operator: Literal["and", "or"] = "and" if self._next() == "and" else "or"
            right = self._one(depth)
            same = isinstance(left, _Joined) and left.operator == operator
            left = _Joined(operator, (*left.parts, right) if isinstance(left, _Joined) and same else (left, right))
        return left

    def _one(self, depth: int) -> _Expression:
        word = self._next()
        if word == "not" and self._peek() == "(":
            return _Joined("not", (self._one(depth),))
        if word == "(":
            inside = self._joined(depth + 1)
            self._expect(")")
            return inside
        if not _PATH.fullmatch(word):
            raise InvalidValue(f"_filter has {word!r} where a parameter belongs")
        if self._peek() == "[":
            return self._bracket(word, depth)
        return self._comparison(word)

    def _bracket(self, reference: str, depth: int) -> _Expression:
        self._next()
        condition = self._joined(depth + 1)
        self._expect("]")
        rest = self._next()
        if not rest.startswith(".") or not _PATH.fullmatch(rest[1:]):
            raise InvalidValue(f"_filter has {rest!r} where .[parameter] belongs")
        after = self._bracket(rest[1:], depth) if self._peek() == "[" else self._comparison(rest[1:])
        return _Bracket(reference, condition, after)

    def _comparison(self, path: str) -> _Comparison:
        self._comparisons += 1
        if self._comparisons > MOST_COMPARISONS:
            raise TooCostly(f"a _filter compares at most {MOST_COMPARISONS} times")
        operator, value = self._next(), self._next()
        if operator not in _OPERATORS:
            raise InvalidValue(f"_filter has {operator!r} where an operator belongs")
        if value.startswith('"'):
            try:
                value = str(json.loads(value))
            except json.JSONDecodeError:
                raise InvalidValue(f"_filter has no JSON string at {value[:50]!r}") from None
        return _Comparison(path, operator, value)


def parse(type_name: str, text: str, region: Region) -> Asked:
    """Return what a `_filter` asks of a type.

    Raises:
        InvalidValue: It is not of R4's grammar, or asks for what a parameter cannot be asked.
        NotSupported: A parameter has no codes that an operator asks for.
        TooCostly: It is too long or too deep.
    """
    expression = _Reader(text).whole()
    try:
        return _asked(type_name, expression, region, 0)
    except UnknownParameter as error:
        # Whoever leaves unknown parameters out must not lose the whole condition with one of them.
        raise InvalidValue(f"_filter: {error.diagnostics}", "_filter") from error


def _asked(type_name: str, expression: _Expression, region: Region, depth: int) -> Asked:
    if isinstance(expression, _Joined):
        parts = tuple(_asked(type_name, part, region, depth) for part in expression.parts)
        return Logic(expression.operator, parts)
    if isinstance(expression, _Bracket):
        return _followed(type_name, expression, region, depth)
    return _compared(type_name, expression.path, expression, region, depth)


def _followed(type_name: str, bracket: _Bracket, region: Region, depth: int) -> Asked:
    def both(target: str, _: str, far: int) -> Asked:
        conditions = (bracket.condition, bracket.rest)
        return Logic("and", tuple(_asked(target, one, region, far) for one in conditions))

    found = chain.parse(type_name, f"{bracket.reference}.rest", depth, both, region.known)
    if not isinstance(found, Chain):
        raise NotSupported("_filter takes brackets after a reference only", "_filter")
    return found


def _compared(type_name: str, path: str, comparison: _Comparison, region: Region, depth: int) -> Asked:
    if chain.is_chained(path):
        return chain.parse(
            type_name,
            path,
            depth,
            lambda target, rest, far: _compared(target, rest, comparison, region, far),
            region.known,
        )
    operator, text = comparison.operator, re.sub(r"([,$\\])", r"\\\1", comparison.value)
    if ":" in path:
        raise InvalidValue(f"_filter takes no modifiers: {path!r}", "_filter")
    parameter = criterion.find(type_name, path, region.known)
    if operator in _OF_TERMS and parameter.type == "token":
        return _plain(type_name, f"{path}:{_OF_TERMS[operator]}", text, region)
    if operator == "pr":
        return Criterion(parameter, "missing", (missing({"true": "false", "false": "true"}.get(text, text)),))
    if parameter.code in FULL_TEXT:
        return _with_words(type_name, path, operator, text, region)
    if parameter.type == "string" and operator in _OF_STRINGS:
        return Criterion(parameter, _OF_STRINGS[operator], (string.parse(text),))
    if parameter.type == "date" and operator == "po":
        return Criterion(parameter, None, (_overlapping(text, region),))
    if parameter.type in ("date", "number", "quantity") and operator in _ORDERED:
        return _plain(type_name, path, operator + text, region)
    if operator == "ne" and parameter.type not in ("date", "number", "quantity"):
        there = Criterion(parameter, "missing", (missing("false"),))
        return Logic("and", (there, Logic("not", (_equal(type_name, parameter.type, path, text, region),))))
    if operator == "eq" or (operator == "re" and parameter.type == "reference"):
        return _equal(type_name, parameter.type, path, text, region)
    raise InvalidValue(f"{path} is a {parameter.type}, which the operator {operator} does not compare", "_filter")


def _with_words(type_name: str, path: str, operator: str, text: str, region: Region) -> Asked:
    """Return what asks for words in the full text: it contains them, and is compared in no other way."""
    if operator != "co":
        raise InvalidValue(f"{path} is full text, which the operator {operator} does not compare", "_filter")
    return _plain(type_name, path, text, region)


def _equal(type_name: str, type_: str, path: str, text: str, region: Region) -> Asked:
    if type_ == "string":
        return Criterion(criterion.find(type_name, path, region.known), "equals", (string.parse(text),))
    return _plain(type_name, path, text, region)


def _plain(type_name: str, path: str, text: str, region: Region) -> Asked:
    return criterion.parse(type_name, path, text, region)


def _overlapping(text: str, region: Region) -> Value:
    return DateValue("po", *date.interval(unescape(text), region.zone))
