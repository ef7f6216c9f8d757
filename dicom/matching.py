"""A QIDO-RS query string understood: what must match, what is asked for, which page.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.3.4.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pydicom.datadict import dictionary_VR, tag_for_keyword

from dicom.attributes import BY_KEYWORD, BY_TAG, DEPTH, Attribute, Level, Match
from dicom.names import folded
from dicom.values import is_uid

MAX_VALUES = 256
"""UIDs in one list."""
FUZZY_WARNING = "The fuzzymatching parameter is not supported. Only literal matching has been performed."
"""The words of PS3.18 8.3.4.2.1."""

_HEX_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_DATE = re.compile(r"[0-9]{8}")
_TIME = re.compile(r"[0-9]{2}(?:[0-9]{2}(?:[0-9]{2}(?:\.[0-9]{1,6})?)?)?")
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_WILDCARD = re.compile(r"[*?]")
_LIKE = str.maketrans({"%": "/%", "_": "/_", "/": "//", "*": "%", "?": "_"})


class InvalidQuery(ValueError):
    """The query string breaks the rules; its text says how and is for the caller."""


class Condition(NamedTuple):
    """One attribute's condition: all its values are to be bound, its form decides the SQL."""

    attribute: Attribute
    form: str
    """`equal`, `like`, `range` or `any`."""
    values: tuple[str | int, ...]
    """One value; LIKE patterns (escape `/`), one a group of a name; low and high, inclusive; a list."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search."""

    level: Level
    conditions: tuple[Condition, ...]
    include: frozenset[int]
    """Tags asked for beyond those always returned."""
    include_all: bool
    limit: int
    offset: int
    warnings: tuple[str, ...]
    """Texts for `Warning: 299` headers."""


def parse_query(level: Level, pairs: Iterable[tuple[str, str]], *, max_limit: int) -> Query:
    """Return the search that the parameters of a query string ask for.

    Args:
        level: What is searched for.
        pairs: Names and percent-decoded values, in order, names possibly repeated.
        max_limit: The most results of one answer, and how many are returned when no limit is given.

    Raises:
        InvalidQuery: A name is unknown or not searchable at this level, or a value is malformed.
    """
    conditions: dict[int, Condition] = {}
    include: set[int] = set()
    include_all = False
    warnings: list[str] = []
    page = {"limit": max_limit, "offset": 0}
    for name, value in pairs:
        if name in page:
            page[name] = _page_number(name, value)
        elif name == "includefield":
            include_all = include_all or value == "all"
            include |= _included(value)
        elif name == "fuzzymatching":
            warnings += _fuzzy(value)
        else:
            attribute = _attribute(level, name)
            if attribute.tag in conditions:
                raise InvalidQuery(f"{attribute.keyword} is given twice")
            include.add(attribute.tag)
            condition = _condition(attribute, value)
            if condition:
                conditions[attribute.tag] = condition
    if page["limit"] > max_limit:
        warnings.append(f"The results of one request are limited to {max_limit}.")
    return Query(
        level=level,
        conditions=tuple(conditions[tag] for tag in sorted(conditions)),
        include=frozenset(include),
        include_all=include_all,
        limit=min(page["limit"], max_limit),
        offset=page["offset"],
        warnings=tuple(warnings),
    )


def _page_number(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise InvalidQuery(f"{name} is no whole number")
    return int(value)


def _fuzzy(value: str) -> list[str]:
    if value not in ("true", "false"):
        raise InvalidQuery("fuzzymatching is neither true nor false")
    return [FUZZY_WARNING] if value == "true" else []


def _tag(name: str) -> int | None:
    """Return the tag a keyword or eight hexadecimal digits name."""
    if _HEX_TAG.fullmatch(name):
        return int(name, 16)
    if name in BY_KEYWORD:
        return BY_KEYWORD[name].tag
    return tag_for_keyword(name)


def _included(value: str) -> set[int]:
    """Return the tags of an includefield value; sequences' inner attributes come with their sequence."""
    found = set()
    for name in value.split(","):
        if name == "all":
            continue
        tag = _tag(name.split(".")[0])
        if tag is None:
            raise InvalidQuery("includefield names an unknown attribute")
        found.add(tag)
    return found


def _attribute(level: Level, name: str) -> Attribute:
    tag = _tag(name)
    if tag is None:
        raise InvalidQuery("the query names an unknown attribute")
    attribute = BY_TAG.get(tag)
    if attribute is None or DEPTH[attribute.level] > DEPTH[level]:
        raise InvalidQuery(f"{tag:08X} ({_vr(tag)}) cannot be matched in a search for {level}")
    return attribute


def _vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def _condition(attribute: Attribute, value: str) -> Condition | None:
    """Return the condition, or nothing for the universal match (PS3.4 C.2.2.2.3)."""
    if "\0" in value:
        raise InvalidQuery(f"the value of {attribute.keyword} holds a NUL")
    if not value.strip("* "):
        return None
    form, values = _PARSERS[attribute.match](attribute, value.strip())
    return Condition(attribute, form, values)


_Parsed = tuple[str, tuple[str | int, ...]]


def _text(_: Attribute, value: str) -> _Parsed:
    if _WILDCARD.search(value):
        return "like", (value.translate(_LIKE),)
    return "equal", (value,)


def _name(attribute: Attribute, value: str) -> _Parsed:
    """Return a pattern for each group given; which of the stored groups it meets is not asked."""
    groups = [group.strip().rstrip(" ^") for group in value.split("=")]
    patterns = tuple(folded(group).translate(_LIKE) for group in groups if group)
    if not 0 < len(patterns) <= 3:
        raise InvalidQuery(f"the value of {attribute.keyword} is no name")
    return "like", patterns


def _uids(attribute: Attribute, value: str) -> _Parsed:
    uids = _list(attribute, value)
    for uid in uids:
        if not is_uid(uid):
            raise InvalidQuery(f"the value of {attribute.keyword} is no UID")
    return "any", tuple(uids)


def _modalities(attribute: Attribute, value: str) -> _Parsed:
    return "any", tuple(_list(attribute, value))


def _list(attribute: Attribute, value: str) -> list[str]:
    """Return the values of a list, which a comma or a backslash divides (PS3.18 8.3.4.1)."""
    values = [part.strip() for part in re.split(r"[,\\]", value) if part.strip()]
    if not 0 < len(values) <= MAX_VALUES:
        raise InvalidQuery(f"{attribute.keyword} takes 1 to {MAX_VALUES} values")
    return values


def _date(attribute: Attribute, value: str) -> _Parsed:
    low, dash, high = value.partition("-")
    if not all(_DATE.fullmatch(part) for part in (low, high) if part) or not (low or high):
        raise InvalidQuery(f"the value of {attribute.keyword} is no date or range of dates")
    return "range", (low or "00000000", (high or "99999999") if dash else low)


def _time(attribute: Attribute, value: str) -> _Parsed:
    low, dash, high = value.partition("-")
    if not all(_TIME.fullmatch(part) for part in (low, high) if part) or not (low or high):
        raise InvalidQuery(f"the value of {attribute.keyword} is no time or range of times")
    last = (high or "235959.999999") if dash else low
    # A time of less precision covers all it does not say: 10 is 10:00:00 up to the end of 10:59.
    return "range", (low.ljust(6, "0") if low else "000000", last + "235959.999999"[len(last) :])


def _number(attribute: Attribute, value: str) -> _Parsed:
    if not _NUMBER.fullmatch(value):
        raise InvalidQuery(f"the value of {attribute.keyword} is no whole number")
    return "equal", (int(value),)


_PARSERS = {
    Match.TEXT: _text,
    Match.NAME: _name,
    Match.UID: _uids,
    Match.MODALITIES: _modalities,
    Match.DATE: _date,
    Match.TIME: _time,
    Match.NUMBER: _number,
}
