"""Conditions on attributes that are not indexed, asked of an instance's DICOM JSON.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_C.2.2.2.html
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import nan
from struct import pack, unpack
from typing import Any

from dicom.attributes import Match
from dicom.indexing import date, time
from dicom.json_model import GROUPS, Json
from dicom.matching import Condition, Unindexed, time_of
from dicom.model_facts import text_of, values_of
from dicom.moments import NotAMoment, moment
from dicom.names import PersonName, folded, words

_TIMEZONE = 0x00080201
"""Timezone Offset From UTC: of an item's own, or of the whole data set."""


def meets(model: Json, conditions: Iterable[Unindexed]) -> bool:
    """Return whether an instance meets all conditions; of a sequence one item meets all (PS3.4 C.2.2.2.6)."""
    return _met(model, [(one.path, one.condition) for one in conditions], model)


def _met(item: Any, conditions: Sequence[tuple[tuple[int, ...], Condition]], model: Json) -> bool:
    """Return whether a data set, or an item of one, meets all conditions; what is no DICOM JSON meets none."""
    # What is known of a reference is what its site's server has told.
    if not isinstance(item, dict):
        return False
    inside: dict[int, list[tuple[tuple[int, ...], Condition]]] = {}
    for path, condition in conditions:
        if len(path) > 1:
            inside.setdefault(path[0], []).append((path[1:], condition))
        elif not _meets(item, path[0], condition, model):
            return False
    # A sequence without items is as one whose item says nothing.
    return all(any(_met(one, more, model) for one in values_of(item, tag) or [{}]) for tag, more in inside.items())


def _meets(item: Json, tag: int, condition: Condition, model: Json) -> bool:
    found = [one for one in values_of(item, tag) if one not in (None, "")]
    if condition.form == "empty":
        return not found
    if condition.form == "period":
        return _period_meets(item, tag, condition)
    match = condition.attribute.match
    if match is Match.NAME:
        return any(_name_meets(one, condition) for one in found if isinstance(one, dict))
    if match is Match.DECIMAL:
        return any(_number_meets(one, condition) for one in found)
    if match is Match.DATETIME:
        zone = text_of(item, _TIMEZONE) or text_of(model, _TIMEZONE)
        return any(_moment_meets(str(one), condition, zone) for one in found)
    normal = {Match.DATE: date, Match.TIME: time}.get(match, str)
    return any(_text_meets(normal(str(one)), condition) for one in found)


def _number_meets(value: Any, condition: Condition) -> bool:
    """Return whether a number is one that is asked for, however both are written."""
    try:
        known = Decimal(str(value).strip())
    except InvalidOperation:
        return False
    if condition.attribute.vr == "FL":
        return any(_single(known) == _single(one) for one in condition.values)
    return known in condition.values


def _single(number: Any) -> float:
    """Return a number as four bytes hold it."""
    try:
        (found,) = unpack("<f", pack("<f", float(number)))
    except (OverflowError, ValueError):
        return nan
    return float(found)


def _moment_meets(text: str, condition: Condition, zone: str) -> bool:
    """Return whether a DT value, which counts from where it begins, lies between two instants."""
    low, high = condition.values
    try:
        begin, _ = moment(text, zone)
    except NotAMoment:
        return False
    return int(low) <= begin <= int(high)


def _period_meets(item: Json, tag: int, condition: Condition) -> bool:
    first_day, last_day, first_time, last_time = map(str, condition.values)
    day, at = date(text_of(item, tag)), time(text_of(item, time_of(tag) or 0))
    return bool(day) and (first_day, first_time) <= (day, at) <= (last_day, last_time)


def _text_meets(text: str, condition: Condition) -> bool:
    if condition.form in ("like", "likes"):
        return any(_pattern(str(one)).fullmatch(text.casefold()) for one in condition.values)
    if condition.form == "range":
        return bool(text) and str(condition.values[0]) <= text <= str(condition.values[1])
    return text in condition.values


def _name_meets(value: Json, condition: Condition) -> bool:
    groups = [str(value.get(group, "")) for group in GROUPS]
    if condition.form == "words":
        known = words(PersonName(*groups))
        pairs = zip(condition.values[::2], condition.values[1::2], strict=True)
        return all(any(_pattern(str(form)).fullmatch(known) for form in pair) for pair in pairs)
    return all(any(_pattern(str(one)).fullmatch(folded(group)) for group in groups) for one in condition.values)


@lru_cache(maxsize=1024)
def _pattern(like: str) -> re.Pattern[str]:
    """Return a LIKE pattern, whose escape is a stroke, as a regular expression.

    Each star but the last takes as little as it can, for good: many of them are not tried against each other.
    """
    made = [""]
    for one in re.findall(r"/.|.", like.casefold(), re.DOTALL):
        if one == "%":
            made.append("")
        else:
            made[-1] += "." if one == "_" else re.escape(one[-1])
    first, *others = made
    between = "".join(f"(?>.*?{one})" for one in others[:-1])
    return re.compile(first + between + (f".*{others[-1]}" if others else ""), re.DOTALL)
