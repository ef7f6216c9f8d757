"""Text written under a Specific Character Set, code extensions included: what `dicom.character_sets` reads.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/chapter_6.html#sect_6.1.2.5
"""

from dataclasses import dataclass

UTF_8 = "ISO_IR 192"
_DELIMITERS = "\\^=\r\n\f\t"


@dataclass(frozen=True, slots=True)
class _Set:
    """A character set that a term names.

    Attributes:
        codec: Python's.
        escape: What designates it; empty for one that is never switched to.
        is_g0: Whether it takes the place of ASCII, which must be designated again.
        leaves: What `codec` writes before a run, which is not the escape's to repeat.
    """

    codec: str
    escape: bytes = b""
    is_g0: bool = False
    leaves: bytes = b""

    def written(self, text: str) -> bytes | None:
        """Return the octets of a run, without escape sequences; None when a character is not of this set."""
        try:
            found = text.encode(self.codec)
        except UnicodeEncodeError:
            return None
        if self.leaves:
            return found[len(self.leaves) : -3] if found.startswith(self.leaves) and found.count(b"\x1b") == 2 else None
        if self.codec == "shift_jis" and len(found) != len(text):
            return None
        return found


_EXTENDED = {
    "ISO 2022 IR 6": _Set("ascii", b"\x1b(B", True),
    "ISO 2022 IR 13": _Set("shift_jis", b"\x1b(J", True),
    "ISO 2022 IR 87": _Set("iso2022_jp", b"\x1b$B", True, b"\x1b$B"),
    "ISO 2022 IR 159": _Set("iso2022_jp_2", b"\x1b$(D", True, b"\x1b$(D"),
    "ISO 2022 IR 149": _Set("euc_kr", b"\x1b$)C"),
    "ISO 2022 IR 58": _Set("gb2312", b"\x1b$)A"),
    "ISO 2022 IR 100": _Set("latin-1", b"\x1b-A"),
}
_ALONE = {
    "ISO_IR 6": _Set("ascii"),
    "ISO_IR 13": _Set("shift_jis"),
    "ISO_IR 100": _Set("latin-1"),
    "ISO_IR 101": _Set("iso8859-2"),
    "ISO_IR 144": _Set("iso8859-5"),
    "ISO_IR 126": _Set("iso8859-7"),
    UTF_8: _Set("utf-8"),
    "GB18030": _Set("gb18030"),
    "GBK": _Set("gbk"),
}


def encode(text: str, specific_character_set: str) -> bytes | None:
    r"""Return `text` as octets.

    Args:
        text: Any text, values and components parted as DICOM parts them.
        specific_character_set: The value of (0008,0005): `ISO 2022 IR 13\ISO 2022 IR 87` for example.

    Returns:
        None when the character set is not known, or a character is in none of its parts.
    """
    terms = [term.strip() for term in specific_character_set.split("\\")]
    if len(terms) == 1 and terms[0] in _ALONE:
        return _ALONE[terms[0]].written(text)
    sets = [_EXTENDED.get(term) for term in (terms[0] or "ISO 2022 IR 6", *terms[1:])]
    known = [one for one in sets if one is not None]
    return _switched(text, known) if len(known) == len(sets) else None


def _switched(text: str, sets: list[_Set]) -> bytes | None:
    """Return text in several sets; every run of another set than the first ends before a delimiter."""
    first, found, current = sets[0], b"", sets[0]
    for character in text:
        for one in (first,) if character in _DELIMITERS else (current, *sets):
            octets = one.written(character)
            if octets is not None:
                break
        else:
            return None
        # What lies in G1 is left without a word; what took ASCII's place is not.
        if one is not current and not (one is first and not current.is_g0):
            found += one.escape
        current = one
        found += octets
    return found + first.escape if current.is_g0 and current is not first else found
