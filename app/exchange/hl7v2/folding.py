"""Text in ASCII and JIS X 0208 alone, which is what a message of Japan may hold.

SS-MIX2 standard store, character sets: half-width katakana and characters of a machine's own are not written.
"""

import re
import unicodedata

UNWRITABLE = "■"
"""Stands where a character was that JIS X 0208 does not have."""


def folded(text: str) -> str:
    """Return a text in ASCII and JIS X 0208 alone.

    Half-width katakana become full-width, characters of CP932 alone become the words they stand for (① is (1), ㈱ is
    (株)), and what is left becomes `■`.
    """
    try:
        text.encode("iso2022_jp")
    except UnicodeEncodeError:
        pass
    else:
        return text
    return "".join(_folded_character(character) for character in _wide_katakana(text))


def _wide_katakana(text: str) -> str:
    return re.sub("[\uff61-\uff9f]+", lambda found: unicodedata.normalize("NFKC", found.group()), text)


def _folded_character(character: str) -> str:
    for written in (character, _SAME.get(character, ""), _circled(character), unicodedata.normalize("NFKC", character)):
        if written and _writable(written):
            return written
    return UNWRITABLE


def _writable(text: str) -> bool:
    try:
        text.encode("iso2022_jp")
    except UnicodeEncodeError:
        return False
    return True


def _circled(character: str) -> str:
    if unicodedata.decomposition(character).startswith("<circle>"):
        return f"({unicodedata.normalize('NFKC', character)})"
    return ""


_SAME = {
    # The same character of JIS X 0208 under CP932's code point.
    "～": "〜",
    "－": "−",
    "∥": "‖",
    "￠": "¢",
    "￡": "£",
    "￢": "¬",
    "—": "―",
    # Forms of a name's character outside of JIS X 0208, as they are written where they cannot be.
    "髙": "高",
    "﨑": "崎",
    "栁": "柳",
    "德": "徳",
    "濵": "濱",
    "𠮷": "吉",
    "№": "No.",
    "℡": "TEL",
}
"""Characters of CP932, and what JIS X 0208 has for them."""
