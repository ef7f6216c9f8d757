"""Coded concepts.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/chapter_8.html
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept (PS3.3 8.1); all empty when there is none."""

    value: str = ""
    scheme: str = ""
    """The Coding Scheme Designator: `DCM`, `SCT`, `LN`."""
    meaning: str = ""

    def __bool__(self) -> bool:
        return bool(self.value or self.meaning)


NO_CODE = Code()
