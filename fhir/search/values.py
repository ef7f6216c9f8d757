r"""Values of a query, and how their text is taken apart: alternatives, parts, escapes, prefixes.

https://hl7.org/fhir/R4/search.html#escaping, https://hl7.org/fhir/R4/search.html#prefix
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from fhir.errors import InvalidValue

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]


@dataclass(frozen=True, slots=True)
class TokenValue:
    """A token: `code` (any system), `system|code`, `|code` (no system: 0) or `system|` (any code).

    Attributes:
        code_hash: `hash64` of the code, None for any.
        system_hash: `hash64` of the system, 0 for none, None for any.
        code: The code itself, None for any; ids are looked up by it.
    """

    code_hash: int | None
    system_hash: int | None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class StringValue:
    """A text: `folded` is what prefix and `:contains` matches compare, `exact_hash` what `:exact` does."""

    folded: str
    exact_hash: int


@dataclass(frozen=True, slots=True)
class DateValue:
    """What a partial date covers: microseconds since 1970-01-01T00:00Z, `[lo, hi)`.

    With the prefix `ap` it is not widened yet: by how much depends on the moment
    (`fhir.search.date.approximate`). `po`, which only a `_filter` has, is any overlap.
    """

    prefix: Prefix | Literal["po"]
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class NumberValue:
    """A number and the range its digits stand for, or with `ap` at least a tenth of it: `[lo, hi)`."""

    prefix: Prefix
    lo: float
    hi: float
    value: float


@dataclass(frozen=True, slots=True)
class QuantityValue:
    """A number as in `NumberValue`, and the hash of its unit as index rows have it, 0 for any unit.

    Attributes:
        others: The same in other units: `lo`, `hi`, `value` and `unit_hash` of each.
    """

    prefix: Prefix
    lo: float
    hi: float
    value: float
    unit_hash: int
    others: tuple[tuple[float, float, float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """A reference: the hashes of every target the text may mean, one for each type a bare id may have.

    Attributes:
        elsewhere: Whether it is an address, or a name, of no resource of this server.
    """

    hashes: tuple[int, ...]
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class UriValue:
    """A URI: `hash` is of the whole of it, exactly as written."""

    hash: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class AncestorsValue:
    """A URI and all that are above it."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NearValue:
    """A place and how far around it, in degrees of latitude."""

    latitude: float
    longitude: float
    distance: float


@dataclass(frozen=True, slots=True)
class Gram:
    """A key of texts, or all that begin alike: `[lo, hi)`."""

    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a text's lines must contain, and the keys of every text that does."""

    text: str
    grams: tuple[Gram, ...]


@dataclass(frozen=True, slots=True)
class TextValue:
    """Words and phrases of full text that must all occur; at least one."""

    phrases: tuple[Phrase, ...]


class Numbers(tuple[int, ...]):
    """Whole numbers that a statement takes as one bind, however many there are."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CodesValue:
    """Codes of one system: `system_hash` is 0 for none, `code_hashes` are any of them."""

    system_hash: int
    code_hashes: Numbers


@dataclass(frozen=True, slots=True)
class TermValue:
    """What stands for codes: a value set by its URL or its reference, or a code and its system."""

    value_set: str = ""
    system: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class MissingValue:
    """The value of `:missing`: whether the resource must lack the parameter."""

    missing: bool


Value = (
    TokenValue
    | StringValue
    | DateValue
    | NumberValue
    | QuantityValue
    | ReferenceValue
    | UriValue
    | AncestorsValue
    | NearValue
    | TextValue
    | CodesValue
    | TermValue
    | MissingValue
)

_PREFIXES: dict[str, Prefix] = {prefix: prefix for prefix in get_args(Prefix)}
_ESCAPED = re.compile(r"\\([,|$\\])")


def split(text: str, separator: str) -> list[str]:
    r"""Return the parts of `text` between the unescaped separators, still escaped.

    Args:
        text: A parameter's value; `\,` `\|` `\$` and `\\` stand for the second character.
        separator: One of `,` `|` `$`.
    """
    if separator not in text:
        return [text]
    if "\\" not in text:
        return text.split(separator)
    parts = [""]
    for piece in re.findall(r"\\.|.", text, re.DOTALL):
        if piece == separator:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def unescape(text: str) -> str:
    r"""Return the text that `text` stands for; a backslash before any other character stands for itself."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def escape(text: str) -> str:
    """Return `text` as it is written inside a query's value, so that nothing in it separates."""
    return re.sub(r"([,|$\\])", r"\\\1", text)


def split_prefix(text: str) -> tuple[Prefix, str]:
    """Return the comparison a value of an ordered type begins with (`eq` if none), and the rest."""
    prefix = _PREFIXES.get(text[:2])
    return (prefix, text[2:]) if prefix else ("eq", text)


def missing(text: str) -> MissingValue:
    """Return what `:missing=text` asks.

    Raises:
        InvalidValue: `text` is neither `true` nor `false`.
    """
    if text not in ("true", "false"):
        raise InvalidValue(f":missing is true or false, not {text!r}")
    return MissingValue(text == "true")
