"""Reading the items of a structured report with patience: what has a strange VR, or is not there, is empty.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.17.3.html
"""

from collections.abc import Iterator

from dicom.concept import Code
from dicom.data_set import DataSet
from dicom.manifest.codes import LOCAL, normal
from dicom.manifest.model import Issued
from dicom.part10 import Part10
from dicom.values import is_uid, text

MAX_TEXT = 1024
"""Characters that are kept of a text."""

UNIVERSAL_ENTITY_ID = 0x00400032
UNIVERSAL_ENTITY_ID_TYPE = 0x00400033
LOCAL_NAMESPACE_ENTITY_ID = 0x00400031
PREFIXES = {"ISO": "urn:oid:", "UUID": "urn:uuid:", "URI": ""}
"""From Universal Entity ID Type to what makes the identifier a URI (PS3.3 10.14)."""

_CODE_VALUES = (0x00080100, 0x00080119, 0x00080120)
"""Code Value, Long Code Value, URN Code Value: one of them is there."""


class Items:
    """The data set of an item, with the file it is of."""

    __slots__ = ("_data_set", "_file")

    def __init__(self, file: Part10, data_set: DataSet) -> None:
        self._file = file
        self._data_set = data_set

    def text(self, tag: int) -> str:
        """Return a value without padding and control characters; empty when it is absent."""
        found = text(self._file.data, self._data_set, tag, self._file.codecs)[:MAX_TEXT]
        return found if found.isprintable() else "".join(one for one in found if one.isprintable()).strip()

    def number(self, tag: int) -> int | None:
        """Return a value as a whole number, whatever its VR of text is; None when it is none."""
        return whole(self.text(tag))

    def uid(self, tag: int) -> str:
        """Return a value that is a UID; empty when it is none."""
        found = self.text(tag)
        return found if is_uid(found) else ""

    def items(self, tag: int) -> Iterator["Items"]:
        """Yield the items of a sequence."""
        element = self._data_set.get(tag)
        for item in (element.items or ()) if element is not None else ():
            yield Items(self._file, item)

    def first(self, tag: int) -> "Items":
        """Return the first item of a sequence, an empty one when there is none."""
        return next(self.items(tag), Items(self._file, {}))

    def code(self, tag: int) -> Code | None:
        """Return the first code of a sequence, one with a meaning only too; None when it says nothing."""
        item = self.first(tag)
        value = next((found for one in _CODE_VALUES if (found := item.text(one))), "")
        code = Code(value, item.text(0x00080102), item.text(0x00080104))
        if code.scheme == LOCAL and code.value == code.meaning[:16]:
            return Code("", "", code.meaning)
        return code or None

    def concept(self) -> Code | None:
        """Return the concept name of a content item, in the value that is written here."""
        found = self.code(0x0040A043)
        return None if found is None else normal(found)

    def issued(self, tag: int, issuer: int, name: int | None = None) -> Issued:
        """Return a number with its issuer.

        Args:
            tag: The number's.
            issuer: That of the sequence that identifies the issuer.
            name: That of the issuer's name, where it is an element of its own.
        """
        item = self.first(issuer)
        stated = self.text(name) if name is not None else item.text(LOCAL_NAMESPACE_ENTITY_ID)
        return issued(self.text(tag), item.text(UNIVERSAL_ENTITY_ID), item.text(UNIVERSAL_ENTITY_ID_TYPE), stated)


def issued(value: str, entity: str, entity_type: str, name: str) -> Issued:
    """Return a number with its issuer.

    Args:
        value: The number; without one nothing was issued.
        entity: The Universal Entity ID of the issuer, or empty.
        entity_type: Its type: `ISO`, `UUID`, `URI`.
        name: What the issuer is called at the sender's, or empty.
    """
    if not value:
        return Issued()
    prefix = PREFIXES.get(entity_type)
    if entity and prefix is not None:
        return Issued(value, prefix + entity, name)
    if name.startswith(("http://", "https://", "urn:")):
        return Issued(value, name)
    return Issued(value, "", entity or name)


def whole(stated: str) -> int | None:
    """Return the whole number that a text is; None when it is none, or one that no index holds."""
    digits = stated.removeprefix("-")
    return int(stated) if digits.isascii() and digits.isdigit() and len(digits) < 12 else None
