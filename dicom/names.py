"""Person names: three component groups, and the form in which they are compared.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_6.2.html#sect_6.2.1
"""

import unicodedata
from dataclasses import dataclass

_KATAKANA_TO_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name as it is spelt, written and read: `Yamada^Tarou`, `山田^太郎`, `やまだ^たろう`."""

    alphabetic: str = ""
    ideographic: str = ""
    phonetic: str = ""

    def __bool__(self) -> bool:
        return bool(self.alphabetic or self.ideographic or self.phonetic)


def person_name(text: str) -> PersonName:
    """Return the first name of a PN value, its groups without padding and empty components at their ends."""
    groups = [group.strip().rstrip(" ^") for group in text.split("\\")[0].split("=")[:3]]
    return PersonName(*groups)


def folded(text: str) -> str:
    """Return a name as it is compared: without case, width, and the difference of the two kana.

    PS3.4 C.2.2.2.1 leaves PN matching that freedom; half-width names come from ISO IR 13 systems.
    """
    return unicodedata.normalize("NFKC", text).casefold().translate(_KATAKANA_TO_HIRAGANA)
