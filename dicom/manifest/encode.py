"""A data set written in Explicit VR Little Endian and UTF-8, from values by the standard's keywords.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_7.1.2.html
"""

from collections.abc import Mapping
from functools import cache
from operator import itemgetter
from typing import Any, TypeAlias

from pydicom.datadict import dictionary_VR, tag_for_keyword

from dicom.data_set import LONG_LENGTH_VRS
from dicom.element import element, items

Values: TypeAlias = Mapping[str, Any]
"""Values by keyword, `StudyInstanceUID`, or by tag and VR, `000D1001 UR`: a text, a number, or a list of items."""

_MAX_BYTES = {"SH": 64, "LO": 256, "CS": 16, "AE": 16, "PN": 780}
"""Of a value; characters of SH, LO and PN may take four bytes each."""
_SHORT_LIMIT = 0xFFFE


def data_set(values: Values) -> bytes:
    """Return a data set, its elements in the order of their tags.

    Raises:
        KeyError: a keyword is none.
    """
    named = [(*_place(name), value) for name, value in values.items()]
    return b"".join(_element(*one) for one in sorted(named, key=itemgetter(0)))


@cache
def _place(name: str) -> tuple[int, str]:
    """Return the tag and the VR of a keyword."""
    if " " in name:
        tag, _, vr = name.partition(" ")
        return int(tag, 16), vr
    number = tag_for_keyword(name)
    if number is None:
        raise KeyError(name)
    return number, dictionary_VR(number)


def _element(tag: int, vr: str, value: Any) -> bytes:
    return element(tag, vr, _octets(vr, value))


def _octets(vr: str, value: Any) -> bytes:
    if not isinstance(value, str | int):
        return items(data_set(one) for one in value)
    octets = str(value).encode()
    most = _MAX_BYTES.get(vr, _SHORT_LIMIT if vr not in LONG_LENGTH_VRS else len(octets))
    if len(octets) > most:
        # Cut between characters, not inside one.
        octets = octets[:most].decode(errors="ignore").encode()
    return octets
