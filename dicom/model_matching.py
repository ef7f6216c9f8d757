"""Conditions on attributes that are not indexed, asked of an instance's DICOM JSON.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_C.2.2.2.html
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from dicom.attributes import Match
from dicom.indexing import date, time
from dicom.json_model import GROUPS, Json
from dicom.matching import Condition, Unindexed
from dicom.model_facts import values_of
from dicom.names import PersonName, folded, words


def meets(model: Json, conditions: Iterable[Unindexed]) -> bool:
    """Return whether an instance meets all conditions, each in any item of its sequences (PS3.4 C.2.2.2.6)."""
    return all(_meets(values(model, one.path), one.condition) for one in conditions)


def values(model: Any, path: tuple[int, ...]) -> Iterator[Any]:
    """Yield the values at a path of tags, of all items on the way; what is no DICOM JSON has none."""
    # What is known of a reference is what its site's server has told.
    found = values_of(model, path[0]) if isinstance(model, dict) else ()
    if len(path) == 1:
        yield from (one for one in found if one not in (None, ""))
        return
    for item in found:
        yield from values(item, path[1:])


def _meets(found: Iterable[Any], condition: Condition) -> bool:
    if condition.form == "empty":
        return not any(True for _ in found)
    match = condition.attribute.match
    if match is Match.NAME:
        return any(_name_meets(one, condition) for one in found if isinstance(one, dict))
    if match is Match.NUMBER:
        return any(str(one) == str(condition.values[0]) for one in found)
    normal = {Match.DATE: date, Match.TIME: time}.get(match, str)
    return any(_text_meets(normal(str(one)), condition) for one in found)


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
