"""A file within an instance: PDF, CDA, a model in three dimensions.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.24.html
"""

from dataclasses import dataclass

from dicom.concept import Code
from dicom.reports.kinds import STORAGE
from dicom.reports.values import Model, code, text

DOCUMENT_TAG = "00420011"

_TYPES = {
    f"{STORAGE}104.1": "application/pdf",
    f"{STORAGE}104.2": "text/xml",
    f"{STORAGE}104.3": "model/stl",
    f"{STORAGE}104.4": "model/obj",
    f"{STORAGE}104.5": "model/mtl",
}
"""What each SOP Class holds: it is believed more than the instance's own word for it."""


@dataclass(frozen=True, slots=True)
class Encapsulated:
    """A file within an instance."""

    title: str
    concept: Code
    media_type: str
    length: int | None
    """Bytes, when it is said; the value may be one longer, to be even."""


def read_encapsulated(model: Model) -> Encapsulated:
    """Return what an instance says of the file within it."""
    concept = code(model, "0040A043")
    length = text(model, "00420015")
    stated = text(model, "00420012").lower()
    return Encapsulated(
        title=text(model, "00420010") or concept.meaning,
        concept=concept,
        media_type=_TYPES.get(text(model, "00080016"), stated),
        length=int(length) if length.isascii() and length.isdigit() else None,
    )


def unpadded(value: bytes, length: int | None) -> bytes:
    """Return a file without the zero that makes its value even.

    Args:
        value: The value of the element.
        length: What `Encapsulated.length` says; anything but the value's own or one less is not believed.
    """
    if length is not None and length == len(value) - 1:
        return value[:length]
    return value[:-1] if length is None and value.endswith(b"\0") else value
