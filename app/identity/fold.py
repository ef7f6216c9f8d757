"""What one name, number or address is compared as, however a site writes it.

Width and case (NFKC), kana (small and large, long vowels, ヂ and ジ), kanji that are forms of one another (Ministry of
Justice and National Tax Agency, by `jntajis`), variation selectors, dashes of addresses.
"""

import re
import unicodedata
from functools import lru_cache

from jntajis import MJShrinkSchemeCombo, mj_shrink_candidates

UNKNOWN = "●"
"""Stands for a character that a sender could not write; it is like every other."""

_UNKNOWN = str.maketrans(dict.fromkeys("●○■□〓?？�*＊※", UNKNOWN))
_SELECTORS = dict.fromkeys((*range(65024, 65040), *range(917760, 918000)))
_SPACES = re.compile(r"[\s\u3000・･,，.．'’-]+")
_SMALL = str.maketrans("ァィゥェォッャュョヮヵヶヂヅヲヴヰヱ", "アイウエオツヤユヨワカケジズオブイエ")
_LONG = {
    vowel: after
    for after, row in {
        "ア": "アカサタナハマヤラワガザダバパ",
        "イ": "イキシチニヒミリギジビピエケセテネヘメレゲゼデベペ",
        "ウ": "ウクスツヌフムユルグズブプオコソトノホモヨロゴゾドボポ",
    }.items()
    for vowel in row
}
"""What a ー sounds like after each kana: コー is コウ, ケー is ケイ."""
_DASHES = re.compile(r"[‐‑‒–—―−ー－~〜-]+")
_KANJI_DIGITS = str.maketrans("〇一二三四五六七八九", "0123456789")
_TOWN = re.compile(r"([一二三四五六七八九]?十[一二三四五六七八九]?|[〇一二三四五六七八九]+)(?=丁目|番|号|条|線)")
_PARTS = re.compile(r"丁目|番地の?|番|号室?|の(?=[0-9])")
_PREFECTURE = re.compile(r"^(?:北海道|東京都|(?:京都|大阪)府|.{2,3}県)")
_ALL_SCHEMES = MJShrinkSchemeCombo(15)


def width(text: str) -> str:
    """Return `text` in its usual width, without variation selectors."""
    return unicodedata.normalize("NFKC", text).translate(_SELECTORS)


def kana(text: str) -> str:
    """Return a name in kana as it sounds: `しょーいち` and `シヨウイチ` are one."""
    folded: list[str] = []
    for character in _SPACES.sub("", width(text).translate(_UNKNOWN)):
        if "ぁ" <= character <= "ゖ":
            character = chr(ord(character) + 0x60)
        if character == "ー":
            character = _LONG.get(folded[-1], "") if folded else ""
        folded.append(character.translate(_SMALL))
    return "".join(folded)


@lru_cache(maxsize=65_536)
def variants(character: str) -> frozenset[str]:
    """Return the characters that a kanji may be written as, itself among them."""
    return frozenset(mj_shrink_candidates(character, _ALL_SCHEMES)) | {character}


@lru_cache(maxsize=65_536)
def _plain(character: str) -> str:
    """Return the form of a kanji that stands for its variants in keys: the one that is most taught."""
    return str(mj_shrink_candidates(character, _ALL_SCHEMES)[0])


def kanji(text: str) -> str:
    """Return a written name without spaces, in which 々 is the character before it; variants stay as they are."""
    folded = ""
    for character in _SPACES.sub("", width(text).translate(_UNKNOWN)):
        folded += folded[-1] if character == "々" and folded else "ヶ" if character in "ケヵヶ" else character
    return folded


def plain(text: str) -> str:
    """Return a name that `kanji` made, each character in the form that stands for its variants."""
    return "".join([_plain(character) for character in text])


def same_kanji(one: str, other: str) -> bool:
    """Return whether two names that `kanji` made are forms of one another; an unknown character is like every other.

    Two characters are forms of one another when their candidates meet: 髙 and 高, 邉 and 邊; not 斎 and 斉.
    """
    if len(one) != len(other):
        return False
    return all(
        a == b or UNKNOWN in (a, b) or not variants(a).isdisjoint(variants(b)) for a, b in zip(one, other, strict=True)
    )


def letters(text: str) -> frozenset[str]:
    """Return the words of a name in Latin letters, in no order, without accents."""
    plain_text = unicodedata.normalize("NFKD", width(text)).casefold()
    words = "".join(c if c.isalpha() else " " for c in plain_text if not unicodedata.combining(c)).split()
    return frozenset(words)


def phone(text: str) -> str:
    """Return the digits of a telephone number as dialled inside Japan; empty when it is none."""
    digits = "".join(c for c in width(text) if c in "0123456789+")
    digits = "0" + digits[3:] if digits.startswith("+81") else digits.replace("+", "")
    return digits if 10 <= len(digits) <= 11 and len(set(digits[1:])) > 2 else ""


def postcode(text: str) -> str:
    """Return the seven digits of a postcode; empty when there are not seven."""
    digits = "".join(c for c in width(text) if c in "0123456789")
    return digits if len(digits) == 7 and len(set(digits)) > 1 else ""


def _number(match: re.Match[str]) -> str:
    before, ten, after = match[0].partition("十")
    if not ten:
        return before.translate(_KANJI_DIGITS)
    return (before.translate(_KANJI_DIGITS) or "1") + (after.translate(_KANJI_DIGITS) or "0")


def address(text: str) -> str:
    """Return an address without its prefecture and its spaces, 丁目, 番 and 号 as dashes: `中央区北1条西2-3`."""
    folded = _PREFECTURE.sub("", re.sub(r"\s+", "", width(text)))
    folded = _PARTS.sub("-", _TOWN.sub(_number, folded))
    return _DASHES.sub("-", folded).strip("-").replace("ケ", "ヶ").casefold()
