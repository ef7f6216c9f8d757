"""Values out of an instance's DICOM JSON; what is not of the shape that its attribute has reads as if it were absent.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_F.html
"""

from collections.abc import Mapping
from typing import Any

from dicom.concept import NO_CODE, Code

Model = Mapping[str, Any]


def values(model: Model, tag: str) -> list[Any]:
    """Return the values of an element, those that are None among them."""
    element = model.get(tag)
    found = element.get("Value") if isinstance(element, dict) else None
    return found if isinstance(found, list) else []


def items(model: Model, tag: str) -> list[Model]:
    """Return the items of a sequence."""
    return [one for one in values(model, tag) if isinstance(one, dict)]


def texts(model: Model, tag: str) -> list[str]:
    """Return the values of an element as texts; of a name its most readable group."""
    found = []
    for one in values(model, tag):
        if isinstance(one, dict):
            name = next((one[group] for group in ("Ideographic", "Phonetic", "Alphabetic") if one.get(group)), "")
            found.append(" ".join(part for part in str(name).split("^") if part))
        elif isinstance(one, float) and one.is_integer():
            found.append(str(int(one)))
        elif one is not None:
            found.append(str(one))
    return found


def text(model: Model, tag: str) -> str:
    """Return the first value as a text without white space at its ends; empty when there is none."""
    return next(iter(texts(model, tag)), "").strip()


def code(model: Model, tag: str) -> Code:
    """Return the first code of a sequence; a code may be short, long, or a URN (PS3.3 8.1)."""
    for one in items(model, tag):
        value = text(one, "00080100") or text(one, "00080119") or text(one, "00080120")
        return Code(value, text(one, "00080102"), text(one, "00080104"))
    return NO_CODE
