"""Parameters that shape the answer instead of choosing resources: `_count`, `_summary` and their kin.

https://hl7.org/fhir/R4/search.html#return
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir.errors import InvalidValue, NotSupported

TOTALS = ("none", "estimate", "accurate")
SUMMARIES = ("true", "text", "data", "count", "false")

NOT_SUPPORTED = frozenset({"_containedType", "_filter", "_list"})
"""What R4 has and a search does not do; naming one is an error even when unknown ones are ignored.

A door may have taken `_list` out before.
"""

_ELEMENT = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*")


@dataclass(frozen=True, slots=True)
class Include:
    """An `_include` or `_revinclude`, as it was written.

    Attributes:
        text: `Source:parameter` or `Source:parameter:Target`, or `*`.
        reverse: Whether what points to the matches is meant.
        iterate: Whether it applies to included resources as well.
    """

    text: str
    reverse: bool
    iterate: bool


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise InvalidValue(f"not one of {', '.join(allowed)}: {text!r}")
        return text

    return parse


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text):
        raise InvalidValue(f"not a number of resources: {text!r}")
    return int(text)


def _elements(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not all(_ELEMENT.fullmatch(name) for name in names):
        raise InvalidValue(f"not a list of element names: {text!r}")
    return names


def _cursor(text: str) -> str:
    if not text:
        raise InvalidValue("a page has a cursor")
    return text


_ONCE: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "_count": ("count", _count),
    "_total": ("total", _one_of(TOTALS)),
    "_summary": ("summary", _one_of(SUMMARIES)),
    "_elements": ("elements", _elements),
    "_cursor": ("cursor", _cursor),
}
"""Name to the field of the query it sets, and how its value is read."""

_OTHERS = frozenset({"_include", "_revinclude", "_contained", "_format", "_pretty"})

NAMES = frozenset({*_ONCE, *_OTHERS, *NOT_SUPPORTED})
"""Every name that this module reads; `_sort` is not among them, since it names search parameters."""


def read(fields: dict[str, Any], name: str, text: str) -> None:
    """Set in `fields` what one control parameter says.

    Args:
        fields: The fields of the query read so far, by name.
        name: With its modifier, if any; its code is in `NAMES`.
        text: As in the query.

    Raises:
        NotSupported: The parameter or its modifier is not supported.
        InvalidValue: The value is not of the parameter's form, or it is there for the second time.
    """
    code, _, modifier = name.partition(":")
    including = code in ("_include", "_revinclude")
    if code in NOT_SUPPORTED or (modifier and not (including and modifier == "iterate")):
        raise NotSupported(f"{name} is not supported", name)
    if including:
        include = Include(_named(text, name), code == "_revinclude", bool(modifier))
        fields["includes"] = (*fields.get("includes", ()), include)
    elif code in _ONCE:
        field, parse = _ONCE[code]
        if field in fields:
            raise InvalidValue(f"{code} is there twice", name)
        try:
            fields[field] = parse(text)
        except InvalidValue as error:
            raise InvalidValue(f"{code}: {error.diagnostics}", name) from error
    elif code == "_contained" and text != "false":
        raise NotSupported("_contained: only false is supported; contained resources are not searched", name)
    # How the answer is written (_format, _pretty) is settled before a query is read.


def once(pairs: Sequence[tuple[str, str]], name: str) -> str | None:
    """Return the value of a parameter, or None when it is not there.

    Raises:
        InvalidValue: it is there twice.
    """
    found = [text for one, text in pairs if one == name]
    if len(found) > 1:
        raise InvalidValue(f"{name} is there twice", name)
    return found[0] if found else None


def _named(text: str, name: str) -> str:
    if not text:
        raise InvalidValue(f"{name} names nothing to include", name)
    return text
