r"""Full text: texts as they are compared, the short keys they are found by, and what a query asks of them.

https://hl7.org/fhir/R4/search.html#_text. R4 leaves the syntax to the server: words that must all occur, phrases in
double quotes, commas between alternatives. Japanese is written without spaces, so a run of it is found by any part;
a word of an alphabet by its beginning.

A text is kept as lines, one for each piece that belongs together, of tokens between single spaces:
` hba1c 検査 `. A token is a run of one kind of script. So `in` decides whether a text has a phrase.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from fhir.errors import InvalidValue
from fhir.search.japanese import SAME
from fhir.search.string import folded
from fhir.search.values import Gram, Phrase, TextValue, unescape

LONGEST = 100_000
"""Characters of a resource's narrative, and of its other texts, that are kept."""

MOST_PHRASES = 20
"""Words and phrases of one alternative."""

_LONGEST_CACHED = 200
"""Characters; what repeats (displays, headings) is short."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b\u3041-\u3096"
    "\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3100-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
"""Scripts whose words are not parted, or not only by spaces: kanji, kana, hangul, Thai and its neighbours."""

_TOKEN = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_QUERY = re.compile(r'"([^"]*)"|([^\s"]+)')

_PAIR = 1 << 62
"""Added to the pairs of unspaced scripts; the beginnings of words are below it."""

_WORD_BYTES = 7
"""How much of a word its key holds: 56 bits."""


def tokens(text: str) -> list[str]:
    """Return the tokens of a text, folded: width, case, accents, kana and old forms of kanji."""
    return _TOKEN.findall(folded(text).translate(SAME))


def line(text: str) -> str:
    """Return a piece of text as a line; empty if it has no letter or digit."""
    return _kept_line(text) if len(text) <= _LONGEST_CACHED else _line(text)


def _line(text: str) -> str:
    found = tokens(text)
    return f" {' '.join(found)} " if found else ""


_kept_line = lru_cache(maxsize=16384)(_line)


def joined(texts: Iterable[str]) -> str:
    """Return pieces of text as the lines that are kept, each line once, cut at `LONGEST`."""
    return "\n".join([one for one in dict.fromkeys(map(line, texts)) if one])[:LONGEST]


def _pair(first: str, second: str = "") -> int:
    return _PAIR | ord(first) << 21 | (ord(second) if second else 0)


def _word(token: str) -> int:
    return int.from_bytes(token.encode("utf-8", "surrogatepass")[:_WORD_BYTES].ljust(_WORD_BYTES, b"\0"), "big")


def _grams(one: str) -> frozenset[int]:
    found: set[int] = set()
    for token in one.split():
        if _IS_UNSPACED.match(token):
            # The last character stands alone, so that each begins a pair.
            found.update(map(_pair, token, (*token[1:], "")))
        else:
            found.add(_word(token))
    return frozenset(found)


_kept_grams = lru_cache(maxsize=16384)(_grams)


def grams(one: str) -> frozenset[int]:
    """Return the keys that a line is found by: its pairs of characters, and the beginnings of its words.

    They are integers below 2^63 in the order of what they stand for, so that what begins alike is one range.
    """
    return _kept_grams(one) if len(one) <= _LONGEST_CACHED else _grams(one)


def _looked_up(token: str, *, whole: bool) -> Iterator[Gram]:
    """Yield the keys that a text with this token has."""
    if not _IS_UNSPACED.match(token):
        key, size = _word(token), len(token.encode("utf-8", "surrogatepass"))
        ends_inside = not whole and size < _WORD_BYTES
        yield Gram(key, key + (1 << 8 * (_WORD_BYTES - size)) if ends_inside else key + 1)
    elif len(token) == 1:
        yield Gram(_pair(token), _pair(token) + (1 << 21))
    else:
        for one in map(_pair, token, token[1:]):
            yield Gram(one, one + 1)


def _phrase(text: str, *, quoted: bool) -> Phrase | None:
    """Return what a text must have: the words in a row; quoted, the last one whole."""
    found = tokens(text)
    if not found:
        return None
    before = "" if _IS_UNSPACED.match(found[0]) else " "
    after = " " if quoted and not _IS_UNSPACED.match(found[-1]) else ""
    keys = [key for n, token in enumerate(found) for key in _looked_up(token, whole=quoted or n < len(found) - 1)]
    return Phrase(f"{before}{' '.join(found)}{after}", tuple(dict.fromkeys(keys)))


def parse(text: str) -> TextValue:
    """Return one alternative of a query: words and quoted phrases that must all occur.

    Raises:
        InvalidValue: It has no letter or digit, a quote is not closed, or there are too many words.
    """
    text = unescape(text)
    if text.count('"') % 2:
        raise InvalidValue(f"a quote is not closed: {text!r}")
    parts = [_phrase(quoted or plain, quoted=bool(quoted)) for quoted, plain in _QUERY.findall(text)]
    phrases = tuple(dict.fromkeys(one for one in parts if one is not None))
    if not phrases:
        raise InvalidValue(f"not a text to search for: {text!r}")
    if len(phrases) > MOST_PHRASES:
        raise InvalidValue(f"a text has at most {MOST_PHRASES} words")
    return TextValue(phrases)
