"""From what somebody types to find a patient to the searches that find it: names, kana, numbers, birth dates.

https://hl7.org/fhir/R4/patient.html#search
"""

import re
import unicodedata

from app.portal.dates import typed_date
from fhir.search.values import escape

_VARIANTS = (
    "高髙",
    "崎﨑嵜",
    "斎斉齋齊",
    "辺邉邊",
    "沢澤",
    "広廣",
    "浜濱濵",
    "吉𠮷",
    "島嶋嶌",
    "桜櫻",
    "国國",
    "柳栁",
    "徳德",
    "真眞",
    "恵惠",
)
"""Kanji of names that sites write differently. Searches take each for the others; what is stored stays as it is."""

_OTHERS = {one: group for group in _VARIANTS for one in group}
_MOST_SPELLINGS = 24
_NUMBER = re.compile(r"[0-9].{2,}")

Pairs = list[tuple[str, str]]


def _katakana(text: str) -> str:
    """Return `text` with its hiragana as katakana."""
    return "".join(chr(ord(one) + 0x60) if "ぁ" <= one <= "ゖ" else one for one in text)


def spellings(name: str) -> list[str]:
    """Return the ways in which sites may write a name, the one that was typed first."""
    found = [""]
    for character in name:
        group = _OTHERS.get(character, character)
        found = [before + one for before in found for one in (character, *group.replace(character, ""))]
        found = found[:_MOST_SPELLINGS]
    kana = _katakana(name)
    return found if kana == name else [*found, kana]


def _name(text: str) -> tuple[str, str]:
    return "name", ",".join(escape(one) for one in spellings(text))


def _words(typed: str) -> list[str]:
    return unicodedata.normalize("NFKC", typed).split()


def criteria(typed: str) -> Pairs:
    """Return the search parameters that `typed` means; each word must hold.

    A word is a birth date (also in an era), a number (the site's patient number, or an insurance number), or the
    beginning of a name, in kanji, kana or letters.
    """
    pairs: Pairs = []
    for word in _words(typed)[:6]:
        if born := typed_date(word):
            pairs.append(("birthdate", born))
        elif _NUMBER.fullmatch(word):
            pairs.append(("identifier", escape(word)))
        else:
            pairs.append(_name(word))
    return pairs


def split_names(typed: str) -> list[Pairs]:
    """Return further searches when the first found nobody: 山田太郎 may be 山田 and 太郎."""
    words = _words(typed)
    if len(words) != 1 or not 2 < len(words[0]) <= 8 or words[0].isascii() or criteria(typed)[0][0] != "name":
        return []
    word = words[0]
    middle = sorted(range(1, len(word)), key=lambda at: abs(at - 2))
    return [[_name(word[:at]), _name(word[at:])] for at in middle]
