"""The value of one key of a search: what has to be bound, and the form that decides the SQL.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_C.2.2.2.html
"""

import re
from collections.abc import Callable
from decimal import Decimal

from dicom.attributes import Attribute, Match
from dicom.moments import NotAMoment, range_of
from dicom.names import folded, spellings, split
from dicom.values import is_uid

MAX_VALUES = 256
"""UIDs in one list."""
MAX_WORDS = 8
"""Of a name that is matched fuzzily."""

_DATE = re.compile(r"[0-9]{8}")
_TIME = re.compile(r"[0-9]{2}(?:[0-9]{2}(?:[0-9]{2}(?:\.[0-9]{1,6})?)?)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,25}(?:\.[0-9]{0,25})?|\.[0-9]{1,25})(?:[eE][+-]?[0-9]{1,3})?")
MAX_PATTERN = 4096
"""Characters of a pattern: no indexed text is nearly as long, and SQLite fails over one of 50,000 bytes."""
_MOST_WHOLE = 2**62
"""What no column holds matches nothing, and is refused."""
_WILDCARD = re.compile(r"[*?]")
_LIKE = str.maketrans({"%": "/%", "_": "/_", "/": "//", "*": "%", "?": "_"})


class InvalidQuery(ValueError):
    """The query string breaks the rules; its text says how and is for the caller."""


Value = str | int | Decimal
Parsed = tuple[str, tuple[Value, ...]]


def _text(attribute: Attribute, value: str) -> Parsed:
    several = _list(attribute, value, r"[,\\]" if attribute.vr == "CS" else r"\\")
    if any(_WILDCARD.search(one) for one in several):
        patterns = tuple(_like(attribute, one) for one in several)
        return ("like" if len(patterns) == 1 else "likes"), patterns
    return ("equal" if len(several) == 1 else "any"), tuple(several)


def _like(attribute: Attribute, text: str) -> str:
    """Return a text with the wildcards of DICOM as a pattern of LIKE."""
    if len(text) > MAX_PATTERN:
        raise InvalidQuery(f"the value of {attribute.keyword} has more than {MAX_PATTERN} characters")
    return text.translate(_LIKE)


def fuzzy_name(attribute: Attribute, value: str) -> Parsed:
    """Return two patterns for each word: as it is written, and as it sounds (PS3.18 8.3.4.2)."""
    found = split(value)
    if not 0 < len(found) <= MAX_WORDS:
        raise InvalidQuery(f"the value of {attribute.keyword} has no word, or more than {MAX_WORDS}")
    return "words", tuple(f"% {_like(attribute, form)}%" for word in found for form in spellings(word))


def _name(attribute: Attribute, value: str) -> Parsed:
    """Return a pattern for each group given; which of the stored groups it meets is not asked."""
    groups = [group.strip().rstrip(" ^") for group in value.split("=")]
    patterns = tuple(_like(attribute, folded(group)) for group in groups if group)
    if not 0 < len(patterns) <= 3:
        raise InvalidQuery(f"the value of {attribute.keyword} is no name")
    return "like", patterns


def _uids(attribute: Attribute, value: str) -> Parsed:
    uids = _list(attribute, value)
    for uid in uids:
        if not is_uid(uid):
            raise InvalidQuery(f"the value of {attribute.keyword} is no UID")
    return "any", tuple(uids)


def _list(attribute: Attribute, value: str, between: str = r"[,\\]") -> list[str]:
    """Return the values of a list, which a comma or a backslash divides (PS3.18 8.3.4.1)."""
    values = [part.strip() for part in re.split(between, value) if part.strip()]
    if not 0 < len(values) <= MAX_VALUES:
        raise InvalidQuery(f"{attribute.keyword} takes 1 to {MAX_VALUES} values")
    return values


def ends(value: str) -> tuple[bool, bool] | None:
    """Return whether a range of dates or times names its low and its high end; None when it is no range."""
    low, dash, high = (part.strip() for part in value.partition("-"))
    return (bool(low), bool(high)) if dash else None


def _date(attribute: Attribute, value: str) -> Parsed:
    # The dotted form is that of ACR-NEMA.
    low, dash, high = (part.strip().replace(".", "") for part in value.partition("-"))
    if not all(_DATE.fullmatch(part) for part in (low, high) if part) or not (low or high):
        raise InvalidQuery(f"the value of {attribute.keyword} is no date or range of dates")
    return "range", (low or "00000000", (high or "99999999") if dash else low)


def _time(attribute: Attribute, value: str) -> Parsed:
    low, dash, high = (part.strip().replace(":", "") for part in value.partition("-"))
    if not all(_TIME.fullmatch(part) for part in (low, high) if part) or not (low or high):
        raise InvalidQuery(f"the value of {attribute.keyword} is no time or range of times")
    last = (high or "235959.999999") if dash else low
    # Times are compared as they are spelt: a fraction's zeros at its end come after what leaves them out.
    first = low.rstrip("0").rstrip(".") if "." in low else low.ljust(6, "0")
    # A time of less precision covers all it does not say: 10 is 10:00:00 up to the end of 10:59.
    return "range", (first if low else "000000", last + "235959.999999"[len(last) :])


def _moments(attribute: Attribute, value: str) -> Parsed:
    try:
        return "moments", range_of(value)
    except NotAMoment as error:
        raise InvalidQuery(f"the value of {attribute.keyword} is no date-time or range of them") from error


def _decimals(attribute: Attribute, value: str, what: str = "number") -> list[Decimal]:
    several = _list(attribute, value, r"\\")
    if not all(map(_NUMBER.fullmatch, several)):
        raise InvalidQuery(f"the value of {attribute.keyword} is no {what}")
    return list(map(Decimal, several))


def _decimal(attribute: Attribute, value: str) -> Parsed:
    return "any", tuple(_decimals(attribute, value))


def _number(attribute: Attribute, value: str) -> Parsed:
    several = _decimals(attribute, value, "whole number")
    if not all(abs(one) < _MOST_WHOLE and one == one.to_integral_value() for one in several):
        raise InvalidQuery(f"the value of {attribute.keyword} is no whole number")
    return ("equal" if len(several) == 1 else "any"), tuple(map(int, several))


PARSERS: dict[Match, Callable[[Attribute, str], Parsed]] = {
    Match.TEXT: _text,
    Match.NAME: _name,
    Match.UID: _uids,
    Match.MODALITIES: _text,
    Match.DATE: _date,
    Match.TIME: _time,
    Match.DATETIME: _moments,
    Match.DECIMAL: _decimal,
    Match.NUMBER: _number,
}
