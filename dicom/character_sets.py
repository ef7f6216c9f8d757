"""Text of a data set under its Specific Character Set, code extensions included.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/chapter_6.html#sect_6.1.2
"""

import re
from functools import lru_cache

DEFAULT = "latin-1"
"""Stands for ISO IR 6: undeclared eight-bit text is seen most often from Latin-1 writers."""

_CODECS = {
    "": DEFAULT,
    "IR 6": DEFAULT,
    "IR 13": "shift_jis",  # a superset of JIS X 0201
    "IR 58": "gb2312",
    "IR 87": "iso2022_jp",
    "IR 100": "latin-1",
    "IR 101": "iso8859-2",
    "IR 109": "iso8859-3",
    "IR 110": "iso8859-4",
    "IR 126": "iso8859-7",
    "IR 127": "iso8859-6",
    "IR 138": "iso8859-8",
    "IR 144": "iso8859-5",
    "IR 148": "iso8859-9",
    "IR 149": "euc_kr",
    "IR 159": "iso2022_jp_2",
    "IR 166": "iso8859-11",
    "IR 192": "utf-8",
    "IR 203": "iso8859-15",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO 2022 GBK": "gbk",
    "ISO 2022 58": "gb2312",
}

_ESCAPES = {
    b"\x1b(B": "ascii",
    b"\x1b-A": "latin-1",
    b"\x1b)I": "shift_jis",
    b"\x1b(J": "shift_jis",
    b"\x1b-B": "iso8859-2",
    b"\x1b-C": "iso8859-3",
    b"\x1b-D": "iso8859-4",
    b"\x1b-F": "iso8859-7",
    b"\x1b-G": "iso8859-6",
    b"\x1b-H": "iso8859-8",
    b"\x1b-L": "iso8859-5",
    b"\x1b-M": "iso8859-9",
    b"\x1b-T": "iso8859-11",
    b"\x1b-b": "iso8859-15",
    b"\x1b$)A": "gb2312",
    b"\x1b$)C": "euc_kr",
}
_ESCAPES_PYTHON_READS = {b"\x1b$B": "iso2022_jp", b"\x1b$(D": "iso2022_jp_2"}
"""Python's own codecs want to see these sequences."""

_SEGMENT = re.compile(rb"(\x1b\$?[()\-]?.)?([^\x1b]*)", re.DOTALL)
_RESETS = re.compile(rb"[\\^=\r\n\f\t]")
_WRITTEN_OTHERWISE = re.compile(r"^ISO.?(?:2022)?.?IR.?(\d+)$")


@lru_cache(maxsize=256)
def codecs_of(specific_character_set: bytes) -> tuple[str, ...]:
    r"""Return the codecs that the value of (0008,0005) names, the initial one first.

    Args:
        specific_character_set: The raw value, `ISO 2022 IR 13\ISO 2022 IR 87` for example.

    Returns:
        At least one name of a Python codec. Unknown terms count as the default repertoire: a wrong
        declaration must not make an image unreadable.
    """
    names = []
    for term in specific_character_set.decode("ascii", "replace").rstrip(" \0").split("\\"):
        written = _WRITTEN_OTHERWISE.match(term.strip())
        names.append(_CODECS.get(f"IR {written[1]}" if written else term.strip(), DEFAULT))
    return tuple(names)


def decode(value: bytes, codecs: tuple[str, ...]) -> str:
    """Return the text of `value`; what cannot be decoded becomes U+FFFD.

    Args:
        value: The raw value, all of its components and values.
        codecs: What `codecs_of` returned for the data set or the nearest one around it.
    """
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    if b"\x1b" not in value:
        return value.decode(codecs[0], "replace")
    return "".join(_segment(found[1] or b"", found[2], codecs) for found in _SEGMENT.finditer(value))


def _segment(escape: bytes, text: bytes, codecs: tuple[str, ...]) -> str:
    """Return the text between two escape sequences (PS3.5 6.1.2.5)."""
    if escape in _ESCAPES_PYTHON_READS:
        return (escape + text).decode(_ESCAPES_PYTHON_READS[escape], "replace")
    codec = _ESCAPES.get(escape, codecs[0])
    end = _RESETS.search(text) if escape else None
    if end is None:
        return text.decode(codec, "replace")
    # A delimiter of values, components or lines switches back to the initial character set (6.1.2.5.3).
    return text[: end.start()].decode(codec, "replace") + text[end.start() :].decode(codecs[0], "replace")
