"""The scanner: where each data element of a data set lies, found without copying and within hard limits.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/chapter_7.html
"""

from struct import Struct
from typing import NamedTuple, TypeAlias

from pydicom.datadict import dictionary_VR, private_dictionary_VR

from dicom.failures import InvalidInstance

MAX_DEPTH = 32
"""Sequences inside sequences; the deepest standard report templates stay below 15."""
MAX_ELEMENTS = 20_000
"""Elements of one instance, those of all items included."""
MAX_REFERRING_ELEMENTS = 200_000
"""Of a Key Object Selection, which names each instance of a study three times when it is its manifest."""
MAX_HEADER_BYTES = 16 * 1024 * 1024
"""All values but bulk data, together."""
UNDEFINED_LENGTH = 0xFFFFFFFF

ITEM = 0xFFFEE000
ITEM_DELIMITATION = 0xFFFEE00D
SEQUENCE_DELIMITATION = 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010

BULK_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW"})
LONG_LENGTH_VRS = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"])
"""The VRs whose length has 32 bits (PS3.5 table 7.1-1)."""
_LONG_LENGTH = frozenset(vr.encode() for vr in LONG_LENGTH_VRS)
_SHORT_LENGTH = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_VR_NAMES = {vr: vr.decode() for vr in _LONG_LENGTH | _SHORT_LENGTH}


class Encoding(NamedTuple):
    """How the elements of one data set are written; a value, shared by all of them."""

    implicit: bool
    tag_length: Struct
    """Tag and 32-bit length: eight bytes."""
    tag_vr_length: Struct
    """Tag, two letters and 16-bit length: eight bytes."""
    length: Struct


IMPLICIT_LITTLE = Encoding(True, Struct("<HHL"), Struct("<HH2sH"), Struct("<L"))
EXPLICIT_LITTLE = IMPLICIT_LITTLE._replace(implicit=False)
EXPLICIT_BIG = Encoding(False, Struct(">HHL"), Struct(">HH2sH"), Struct(">L"))


class Element(NamedTuple):
    """One data element: its value is `data[offset:offset + length]`, or its items, or its fragments."""

    tag: int
    vr: str
    offset: int
    length: int
    """Bytes of the value; of a value of undefined length, up to its delimiter."""
    items: tuple["DataSet", ...] | None = None
    """The data sets of a sequence."""
    fragments: tuple[tuple[int, int], ...] | None = None
    """(offset, length) of each item of encapsulated PixelData, the Basic Offset Table first."""


DataSet: TypeAlias = dict[int, Element]
"""Elements by tag (group << 16 | element), in the order they were written."""


class Scanner:
    """Scans the data sets of one instance and counts what it has seen against the limits."""

    __slots__ = ("_data", "_elements", "_header_bytes", "_most_elements")

    def __init__(self, data: bytes | memoryview, most_elements: int = MAX_ELEMENTS) -> None:
        self._data = data
        self._most_elements = most_elements
        self._elements = 0
        self._header_bytes = 0

    def data_set(
        self, position: int, end: int, encoding: Encoding, depth: int = 0, *, delimited: bool = False
    ) -> tuple[DataSet, int]:
        """Return the elements from `position`, and where they end.

        Args:
            position: Offset of the first element in the data.
            end: Offset no element may pass.
            encoding: How they are written.
            depth: How many sequences enclose them.
            delimited: Whether an Item Delimitation Item ends them (PS3.5 7.5.2) and not `end`.

        Raises:
            InvalidInstance: The bytes are no data set, or exceed a limit.
        """
        if depth > MAX_DEPTH:
            raise InvalidInstance(f"sequences are nested deeper than {MAX_DEPTH}")
        found: DataSet = {}
        while position < end:
            tag, vr, length, offset = self._header(position, end, encoding)
            if tag == ITEM_DELIMITATION:
                if not delimited or length:
                    raise InvalidInstance("an Item Delimitation Item stands where none may stand")
                return found, offset
            if tag in found:
                raise InvalidInstance(f"the element {tag:08X} appears twice")
            known = vr if vr and vr != "UN" else self._dictionary_vr(tag, length, found, given=vr)
            element, position = self._element(tag, vr, known, offset, length, end, encoding, depth)
            found[tag] = element
        if delimited:
            raise InvalidInstance("the data set is cut short: an item has no end")
        return found, position

    def _header(self, position: int, end: int, encoding: Encoding) -> tuple[int, str | None, int, int]:
        """Return tag, VR (None when none is written), length and the value's offset (PS3.5 7.1)."""
        offset = position + 8
        if offset > end:
            raise InvalidInstance("the data set is cut short inside a tag")
        self._elements += 1
        if self._elements > self._most_elements:
            raise InvalidInstance(f"the data set has more than {self._most_elements} elements")
        if encoding.implicit:
            group, number, length = encoding.tag_length.unpack_from(self._data, position)
            return group << 16 | number, None, length, offset
        group, number, letters, length = encoding.tag_vr_length.unpack_from(self._data, position)
        tag = group << 16 | number
        if letters in _SHORT_LENGTH:
            return tag, _VR_NAMES[letters], length, offset
        if letters in _LONG_LENGTH:
            if offset + 4 > end:
                raise InvalidInstance("the data set is cut short inside a length")
            return tag, _VR_NAMES[letters], encoding.length.unpack_from(self._data, offset)[0], offset + 4
        if letters.isalpha() and letters.isupper():
            raise InvalidInstance(f"the element {tag:08X} has the unknown VR {letters.decode()}")
        # Delimiters carry no VR, and some writers fall back to implicit VR inside sequences.
        return tag, None, encoding.tag_length.unpack_from(self._data, position)[2], offset

    def _dictionary_vr(self, tag: int, length: int, found: DataSet, given: str | None) -> str:
        """Return the VR of an element written without one, or as UN (PS3.5 6.2.2)."""
        if tag >> 16 & 1:
            return self._private_vr(tag, found)
        if given is not None and UNDEFINED_LENGTH != length >= 0xFFFF:
            return given
        if not tag & 0xFFFF:
            return "UL"
        try:
            return dictionary_VR(tag)
        except KeyError:
            return "UN"

    def _private_vr(self, tag: int, found: DataSet) -> str:
        block = tag >> 8 & 0xFF
        if not block:
            return "LO" if tag & 0xF0 else "UN"
        creator = found.get(tag & 0xFFFF0000 | block)
        if creator is None:
            return "UN"
        name = bytes(self._data[creator.offset : creator.offset + creator.length])
        try:
            return private_dictionary_VR(tag, name.decode("latin-1").strip(" \0"))
        except KeyError:
            return "UN"

    def _element(
        self,
        tag: int,
        vr: str | None,
        known: str,
        offset: int,
        length: int,
        end: int,
        encoding: Encoding,
        depth: int,
    ) -> tuple[Element, int]:
        """Return the element whose value starts at `offset`, and where the next one starts."""
        if length == UNDEFINED_LENGTH:
            return self._undefined(tag, vr, known, offset, end, encoding, depth)
        position = offset + length
        if position > end:
            raise InvalidInstance(f"the element {tag:08X} is longer than what is left of the data set")
        if known == "SQ":
            items, _ = self._items(offset, position, encoding, depth)
            return Element(tag, "SQ", offset, length, items), position
        if known not in BULK_VRS:
            self._header_bytes += length
            if self._header_bytes > MAX_HEADER_BYTES:
                raise InvalidInstance(f"the header is larger than {MAX_HEADER_BYTES} bytes")
        return Element(tag, known, offset, length), position

    def _undefined(
        self, tag: int, vr: str | None, known: str, offset: int, end: int, encoding: Encoding, depth: int
    ) -> tuple[Element, int]:
        """Return the sequence or encapsulated value of undefined length at `offset`."""
        if tag == PIXEL_DATA or (known in BULK_VRS and vr is not None and vr != "UN"):
            fragments, position = self._fragments(offset, end, encoding)
            return Element(tag, "OB" if vr is None else vr, offset, position - offset, None, fragments), position
        if vr == "UN":
            # PS3.5 6.2.2: a UN of undefined length is a sequence in Implicit VR Little Endian.
            encoding = IMPLICIT_LITTLE
        elif known not in ("SQ", "UN"):
            raise InvalidInstance(f"the element {tag:08X} with VR {known} has no length")
        items, position = self._items(offset, end, encoding, depth, delimited=True)
        return Element(tag, "SQ", offset, position - offset, items), position

    def _items(
        self, position: int, end: int, encoding: Encoding, depth: int, *, delimited: bool = False
    ) -> tuple[tuple[DataSet, ...], int]:
        """Return the items of a sequence and where it ends (PS3.5 7.5)."""
        items: list[DataSet] = []
        while position < end:
            tag, length, position = self._item(position, end, encoding)
            if tag == SEQUENCE_DELIMITATION and delimited:
                return tuple(items), position
            if tag != ITEM:
                raise InvalidInstance(f"a sequence holds {tag:08X} where an item should be")
            if length == UNDEFINED_LENGTH:
                item, position = self.data_set(position, end, encoding, depth + 1, delimited=True)
            else:
                if position + length > end:
                    raise InvalidInstance("an item is longer than its sequence")
                item, position = self.data_set(position, position + length, encoding, depth + 1)
            items.append(item)
        if delimited:
            raise InvalidInstance("the data set is cut short: a sequence has no end")
        return tuple(items), position

    def _fragments(self, position: int, end: int, encoding: Encoding) -> tuple[tuple[tuple[int, int], ...], int]:
        """Return (offset, length) of each fragment, and where they end (PS3.5 A.4)."""
        fragments: list[tuple[int, int]] = []
        while position < end:
            tag, length, position = self._item(position, end, encoding)
            if tag == SEQUENCE_DELIMITATION:
                return tuple(fragments), position
            if tag != ITEM or length > end - position:
                raise InvalidInstance("a fragment of the pixel data is cut short")
            fragments.append((position, length))
            position += length
        raise InvalidInstance("the pixel data is cut short: its Sequence Delimitation Item is missing")

    def _item(self, position: int, end: int, encoding: Encoding) -> tuple[int, int, int]:
        if position + 8 > end:
            raise InvalidInstance("the data set is cut short inside an item")
        group, number, length = encoding.tag_length.unpack_from(self._data, position)
        return group << 16 | number, length, position + 8
