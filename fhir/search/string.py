"""String search: names, addresses and other texts, compared without regard to case, accents and width.

https://hl7.org/fhir/R4/search.html#string. Full and half width are one, as JP Core asks. Where the
hub is set so, hiragana and katakana are one as well, and old and new forms of kanji.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from fhir.errors import InvalidValue
from fhir.search.hashing import hash64
from fhir.search.japanese import SAME
from fhir.search.values import StringValue, unescape

Row = tuple[str, int]
"""The folded text, and `hash64` of the text as it was."""

LONGEST = 200
"""Characters of folded text that are kept and compared."""

_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""They choose a glyph of the same kanji (葛󠄀 and 葛), not another."""

_ADDRESS = ("text", "city", "district", "state", "postalCode", "country")


def fold(text: str, *, japanese: bool = False) -> str:
    """Return `text` as a string parameter compares it: `folded`, single spaces, cut at `LONGEST`.

    Args:
        text: Any.
        japanese: Whether kana are one, and old and new forms of kanji.
    """
    # Nothing further on can be among the first `LONGEST` characters, but for absurd runs of spaces or marks.
    plain = folded(text[: LONGEST * 4])
    return " ".join((plain.translate(SAME) if japanese else plain).split())[:LONGEST]


def folded(text: str) -> str:
    """Return `text` in NFKC, case-folded, unaccented, without variation selectors.

    Marks are taken off Latin, Greek and Cyrillic letters only: the dakuten tells か from が.
    """
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _VARIATION_SELECTORS.sub("", plain)
    return unicodedata.normalize("NFKC", "".join(_unaccented(unicodedata.normalize("NFC", plain))))


def _unaccented(text: str) -> Iterator[str]:
    bare = False
    for character in text:
        if unicodedata.combining(character):
            if not bare:
                yield character
            continue
        bare = _is_western(character)
        yield unicodedata.normalize("NFD", character)[0] if bare else character


def _is_western(character: str) -> bool:
    """Return whether a letter is of the Latin, Greek or Cyrillic blocks (U+0041-052F, U+1E00-1FFF)."""
    return character.isalpha() and (character < "\u0530" or "\u1e00" <= character < "\u2000")


def of_string(value: Any, *, japanese: bool = False) -> list[Row]:
    """Return the row of a string or markdown."""
    return [(fold(value, japanese=japanese), hash64(value))] if type(value) is str else []


def _texts(value: object) -> list[str]:
    """Return the strings of a repeating element; items that are null or of a wrong type are left out."""
    return [text for text in value if type(text) is str] if type(value) is list else []


def of_human_name(value: Any, *, japanese: bool = False) -> list[Row]:
    """Return the rows of a HumanName: every part, and the full name in both orders, spaced and not."""
    if type(value) is not dict:
        return []
    family, given = _texts([value.get("family")]), _texts(value.get("given"))
    texts = _texts([value.get("text")])
    # A Japanese name is written 山田 太郎 or 山田太郎.
    texts += [text.replace(" ", "").replace("\u3000", "") for text in texts if not text.isascii()]
    texts += family + given + _texts(value.get("prefix")) + _texts(value.get("suffix"))
    if family and given:
        texts += [space.join(parts) for parts in (family + given, given + family) for space in (" ", "")]
    return [(fold(text, japanese=japanese), hash64(text)) for text in texts]


def of_address(value: Any, *, japanese: bool = False) -> list[Row]:
    """Return the rows of an Address: every part, and the text."""
    if type(value) is not dict:
        return []
    texts = _texts([value.get(part) for part in _ADDRESS]) + _texts(value.get("line"))
    return [(fold(text, japanese=japanese), hash64(text)) for text in texts]


def of_coding_text(value: Any) -> list[Row]:
    """Return the row of a Coding's display; empty texts say nothing."""
    return of_string(value.get("display")) if type(value) is dict and value.get("display") else []


def of_concept_text(value: Any) -> list[Row]:
    """Return the rows of a CodeableConcept's text and of its codings' displays."""
    if type(value) is not dict:
        return []
    codings = value.get("coding")
    rows = of_string(value.get("text")) if value.get("text") else []
    return rows + [row for one in codings for row in of_coding_text(one)] if type(codings) is list else rows


def of_identifier_text(value: Any) -> list[Row]:
    """Return the rows of the text of an Identifier's type."""
    return of_concept_text(value.get("type")) if type(value) is dict else []


TEXTS = {"Coding": of_coding_text, "CodeableConcept": of_concept_text, "Identifier": of_identifier_text}
"""The extractors of the texts that `:text` of a token is about, by FHIR type."""


def extractors(*, japanese: bool = False) -> dict[str, Callable[[Any], list[Row]]]:
    """Return the extractors by FHIR type."""
    return {
        "string": partial(of_string, japanese=japanese),
        "markdown": partial(of_string, japanese=japanese),
        "HumanName": partial(of_human_name, japanese=japanese),
        "Address": partial(of_address, japanese=japanese),
    }


def parse(text: str, *, japanese: bool = False) -> StringValue:
    """Return the text a query asks for, folded as the index rows are.

    Raises:
        InvalidValue: Nothing is left of it after folding, so that it would match everything.
    """
    text = unescape(text)
    asked = fold(text, japanese=japanese)
    if not asked:
        raise InvalidValue(f"not a text to search for: {text!r}")
    return StringValue(asked, hash64(text))
