"""Person names: three component groups, and the form in which they are compared.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_6.2.html#sect_6.2.1
"""

import re
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

    @property
    def shown(self) -> str:
        """As a person reads it: the ideographic group where there is one, with spaces between its components."""
        return " ".join((self.ideographic or self.phonetic or self.alphabetic).replace("^", " ").split())


def person_name(text: str) -> PersonName:
    """Return the first name of a PN value, its groups without padding and empty components at their ends."""
    groups = [group.strip().rstrip(" ^") for group in text.split("\\")[0].split("=")[:3]]
    return PersonName(*groups)


def folded(text: str) -> str:
    """Return a name as it is compared: without case, width, and the difference of the two kana.

    PS3.4 C.2.2.2.1 leaves PN matching that freedom; half-width names come from ISO IR 13 systems.
    """
    return unicodedata.normalize("NFKC", text).casefold().translate(_KATAKANA_TO_HIRAGANA)


_BETWEEN_WORDS = re.compile(r"[\s^=,.・*?]+")
_ROWS = (
    ("あいうえお", "a i u e o"),
    ("かきくけこ", "ka ki ku ke ko"),
    ("さしすせそ", "sa si su se so"),
    ("たちつてと", "ta ti tu te to"),
    ("なにぬねの", "na ni nu ne no"),
    ("はひふへほ", "ha hi hu he ho"),
    ("まみむめも", "ma mi mu me mo"),
    ("やゆよ", "ya yu yo"),
    ("らりるれろ", "ra ri ru re ro"),
    ("わゐゑをん", "wa i e o n"),
    ("がぎぐげご", "ga gi gu ge go"),
    ("ざじずぜぞ", "za zi zu ze zo"),
    ("だぢづでど", "da zi zu de do"),
    ("ばびぶべぼ", "ba bi bu be bo"),
    ("ぱぴぷぺぽ", "pa pi pu pe po"),
    ("ゔゕゖー", "bu ka ke -"),
)
_SYLLABLES = {kana: latin for letters, row in _ROWS for kana, latin in zip(letters, row.split(), strict=True)}
_SMALL = {"ゃ": "ya", "ゅ": "yu", "ょ": "yo", "ぁ": "a", "ぃ": "i", "ぅ": "u", "ぇ": "e", "ぉ": "o", "ゎ": "wa"}
_SPELLINGS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"[-'’]", ""),
        (r"tch(?=[aueo])", "tty"),
        (r"tch", "tt"),
        (r"sh(?=[aueo])", "sy"),
        (r"ch(?=[aueo])", "ty"),
        (r"j(?=[aueo])", "zy"),
        (r"yy", "y"),
        (r"shi", "si"),
        (r"chi", "ti"),
        (r"ji|di", "zi"),
        (r"ts?u", "tu"),
        (r"fu", "hu"),
        (r"dzu|du", "zu"),
        (r"m(?=[bmp])", "n"),
        (r"oh(?![aiueoy])|ou|oo", "o"),
        (r"uu", "u"),
    )
)
"""How romaji is spelt, and how it sounds: Hepburn, Kunrei and what people write; long vowels are short."""


def words(name: PersonName) -> str:
    """Return the words of all groups, as they are compared and as they sound, with a blank before each.

    A word of a search that `spellings` gives is found by the beginning of one of them.
    """
    text = f"{name.alphabetic} {name.ideographic} {name.phonetic}"
    found = {form for word in split(text) for form in spellings(word)}
    return "".join(f" {word}" for word in sorted(found))


def split(text: str) -> list[str]:
    """Return the words of a name that is searched for; wildcards say nothing there."""
    return [word for word in _BETWEEN_WORDS.split(text) if word]


def spellings(word: str) -> tuple[str, str]:
    """Return one word as it is compared, and as it sounds: しょういち, ｼｮｳｲﾁ, Shōichi and Syouiti are one."""
    plain = folded(word)
    bare = "".join(one for one in unicodedata.normalize("NFKD", plain) if not "\u0300" <= one <= "\u036f")
    sound = _latin(unicodedata.normalize("NFC", bare))
    for pattern, as_heard in _SPELLINGS:
        sound = pattern.sub(as_heard, sound)
    return plain, sound or plain


def romanised(text: str) -> str:
    """Return kana in Latin letters, words with a capital; what is no kana stays."""
    return " ".join(_latin(folded(word)).capitalize() for word in split(text))


def _latin(text: str) -> str:
    """Return kana in Latin letters; everything else stays."""
    found, doubled = "", False
    for letter in text:
        if letter == "っ":
            doubled = True
            continue
        if letter in _SMALL:
            # き + ゃ is kya, し + ゃ is sya, ふ + ぁ is hua.
            small = _SMALL[letter]
            found = found[:-1] + small if found.endswith("i") and small[0] == "y" else found + small
            continue
        latin = _SYLLABLES.get(letter, letter)
        found += latin[0] + latin if doubled else latin
        doubled = False
    return found
