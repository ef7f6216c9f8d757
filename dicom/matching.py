"""A QIDO-RS query string understood: what must match, what is asked for, which page.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.3.4.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from dicom.attributes import BY_KEYWORD, BY_TAG, COMPUTED, DEPTH, Attribute, Level, Match
from dicom.match_values import MAX_VALUES, PARSERS, InvalidQuery, Value, ends, fuzzy_name

__all__ = ["MAX_VALUES", "Condition", "InvalidQuery", "Query", "Unindexed", "parse_query", "time_of"]

MAX_PATH = 8
"""Sequences around an attribute that is matched in them."""
EMPTY = '""'
"""The value that asks for the empty one (PS3.18 8.3.4.3)."""

_HEX_TAG = re.compile(r"[0-9A-Fa-f]{8}")


class Condition(NamedTuple):
    """One attribute's condition: all its values are to be bound, its form decides the SQL."""

    attribute: Attribute
    form: str
    """`equal`, `like`, `likes`, `range`, `period`, `moments`, `any`, `words` or `empty`."""
    values: tuple[Value, ...]
    """One value; LIKE patterns (escape `/`), one a group of a name; of `likes`, one of which is met; low and high,
    inclusive; the same of a date, then of the time that goes with it; of instants, in microseconds; a list; two
    patterns a word; none."""


class Unindexed(NamedTuple):
    """A condition on what is not indexed: it is asked of the stored DICOM JSON."""

    path: tuple[int, ...]
    """The tags of the sequences around it, then its own."""
    condition: Condition


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
    unindexed: tuple[Unindexed, ...] = ()

    @property
    def needs_model(self) -> bool:
        """Whether results hold what only the stored DICOM JSON knows."""
        return self.include_all or any(tag not in BY_TAG and tag not in COMPUTED for tag in self.include)


def parse_query(level: Level, pairs: Iterable[tuple[str, str]], *, max_limit: int, combined: bool = True) -> Query:
    """Return the search that the parameters of a query string ask for.

    Args:
        level: What is searched for.
        pairs: Names and percent-decoded values, in order, names possibly repeated.
        max_limit: The most results of one answer, and how many are returned when no limit is given.
        combined: Whether a range of dates and one of times are one period (PS3.18 8.3.4.1; PS3.4 C.2.2.2.5.4).

    Raises:
        InvalidQuery: A name is unknown or not searchable at this level, or a value is malformed.
    """
    reading = _Reading(level, max_limit)
    given = list(pairs)
    # What it says of the others is known before they are read.
    reading.fuzzy = _flag(dict(given), "fuzzymatching")
    for name, value in given:
        reading.take(name, value)
    if combined:
        reading.combine()
    return reading.query()


class _Reading:
    """The parameters that have been read so far."""

    def __init__(self, level: Level, max_limit: int) -> None:
        self.fuzzy = False
        self._level = level
        self._max_limit = max_limit
        self._conditions: dict[int, Condition] = {}
        self._unindexed: dict[tuple[int, ...], Unindexed] = {}
        self._ranges: dict[tuple[int, ...], tuple[bool, bool]] = {}
        self._include: set[int] = set()
        self._all = False
        self._warnings: list[str] = []
        self._page = {"limit": max_limit, "offset": 0}

    def take(self, name: str, value: str) -> None:
        """Take one parameter."""
        if name in self._page:
            self._page[name] = _page_number(name, value)
        elif name == "includefield":
            self._all = self._all or "all" in value.split(",")
            self._include |= _included(value)
        elif name in _FLAGS:
            _flag({name: value}, name)
        else:
            self._match(name, value)

    def _match(self, name: str, value: str) -> None:
        path = _path(name)
        attribute = BY_TAG.get(path[0]) if len(path) == 1 else None
        if attribute is not None and DEPTH[attribute.level] > DEPTH[self._level]:
            raise InvalidQuery(f"{path[0]:08X} ({_vr(path[0])}) cannot be matched in a search for {self._level}")
        self._include.add(path[0])
        if attribute is None and _is_universal(value):
            # Nothing is asked of it but to be returned, which may be a sequence, or what is counted.
            return
        known = self._conditions if attribute is not None else self._unindexed
        if (path[0] if attribute is not None else path) in known:
            raise InvalidQuery(f"{keyword_for_tag(path[-1])} is given twice")
        asked = attribute or _unindexed(self._level, path)
        condition = _condition(asked, value, fuzzy=self.fuzzy)
        if condition is None:
            return
        if attribute is not None:
            self._conditions[attribute.tag] = condition
        else:
            self._unindexed[path] = Unindexed(path, condition)
        is_range = ends(value) if condition.form == "range" else None
        if is_range is not None:
            self._ranges[path] = is_range

    def combine(self) -> None:
        """Make one period of each range of dates and the range of times that goes with it, if both have one form."""
        for path, form in list(self._ranges.items()):
            time = time_of(path[-1])
            other = (*path[:-1], time or 0)
            if time is None or self._ranges.get(other) != form:
                continue
            if path in self._unindexed and other in self._unindexed:
                days, times = self._unindexed[path].condition, self._unindexed.pop(other).condition
                period = Condition(days.attribute, "period", (*days.values, *times.values))
                self._unindexed[path] = Unindexed(path, period)
            elif path[-1] in self._conditions and time in self._conditions:
                days, times = self._conditions[path[-1]], self._conditions.pop(time)
                self._conditions[path[-1]] = Condition(days.attribute, "period", (*days.values, *times.values))

    def query(self) -> Query:
        """Return what was asked for."""
        limit = self._page["limit"]
        if limit > self._max_limit:
            self._warnings.append(f"The results of one request are limited to {self._max_limit}.")
        return Query(
            level=self._level,
            conditions=tuple(self._conditions[tag] for tag in sorted(self._conditions)),
            include=frozenset(self._include),
            include_all=self._all,
            limit=min(limit, self._max_limit),
            offset=self._page["offset"],
            warnings=tuple(self._warnings),
            unindexed=tuple(self._unindexed.values()),
        )


def _page_number(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise InvalidQuery(f"{name} is no whole number")
    return int(value)


_FLAGS = ("fuzzymatching", "emptyvaluematching", "multiplevaluematching")
"""The last two ask for what is done anyway."""


def _flag(given: dict[str, str], name: str) -> bool:
    if given.get(name, "false") not in ("true", "false"):
        raise InvalidQuery(f"{name} is neither true nor false")
    return given.get(name) == "true"


def _tag(name: str) -> int | None:
    """Return the tag a keyword or eight hexadecimal digits name."""
    if _HEX_TAG.fullmatch(name):
        return int(name, 16)
    if name in BY_KEYWORD:
        return BY_KEYWORD[name].tag
    # Some retired attributes have no keyword; no name means none of them.
    return tag_for_keyword(name) if name else None


def _included(value: str) -> set[int]:
    """Return the tags of an includefield value; sequences' inner attributes come with their sequence."""
    found = set()
    for name in value.split(","):
        if name in ("all", ""):
            continue
        tag = _tag(name.split(".")[0])
        if tag is None:
            raise InvalidQuery("includefield names an unknown attribute")
        found.add(tag)
    return found


def _path(name: str) -> tuple[int, ...]:
    """Return the tags of a dotted name: sequences, and the attribute in their items (PS3.18 8.3.4.1)."""
    tags = [_tag(part) for part in name.split(".")[: MAX_PATH + 1]]
    if None in tags or len(tags) > MAX_PATH:
        raise InvalidQuery("the query names an unknown attribute")
    path = tuple(tag for tag in tags if tag is not None)
    if any(_vr(tag) != "SQ" for tag in path[:-1]):
        raise InvalidQuery(f"{name[:100]} goes through what is no sequence")
    return path


_MATCHES = {
    **dict.fromkeys(("AE", "AS", "CS", "LO", "LT", "SH", "ST", "UC", "UT", "UR"), Match.TEXT),
    **dict.fromkeys(("DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"), Match.DECIMAL),
    "PN": Match.NAME,
    "UI": Match.UID,
    "DA": Match.DATE,
    "TM": Match.TIME,
    "DT": Match.DATETIME,
}
"""How values are compared, by VR; the others are not."""


def _unindexed(level: Level, path: tuple[int, ...]) -> Attribute:
    """Return an attribute that is matched in the stored DICOM JSON."""
    vr = _vr(path[-1])
    if vr not in _MATCHES or path[0] in COMPUTED:
        raise InvalidQuery(f"{path[-1]:08X} ({vr}) cannot be matched")
    return Attribute(keyword_for_tag(path[-1]) or f"{path[-1]:08X}", path[-1], vr, level, _MATCHES[vr], "")


@lru_cache(maxsize=1024)
def time_of(tag: int) -> int | None:
    """Return the time that goes with a date: Acquisition Time with Acquisition Date; None when there is none."""
    keyword = keyword_for_tag(tag)
    if _vr(tag) != "DA" or not keyword.endswith("Date"):
        return None
    found = tag_for_keyword(keyword.removesuffix("Date") + "Time")
    return found if found is not None and _vr(found) == "TM" else None


def _vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def _is_universal(value: str) -> bool:
    """Return whether a value matches everything (PS3.4 C.2.2.2.3)."""
    return not value.strip("* ")


def _condition(attribute: Attribute, value: str, *, fuzzy: bool = False) -> Condition | None:
    """Return the condition, or nothing for the universal match (PS3.4 C.2.2.2.3)."""
    if "\0" in value:
        raise InvalidQuery(f"the value of {attribute.keyword} holds a NUL")
    if _is_universal(value):
        return None
    if value == EMPTY:
        return Condition(attribute, "empty", ())
    parse = fuzzy_name if fuzzy and attribute.match is Match.NAME else PARSERS[attribute.match]
    form, values = parse(attribute, value.strip())
    return Condition(attribute, form, values)
