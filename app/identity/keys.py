"""The keys under which a Patient is looked for: narrow enough that hardly anybody else shares one.

Two Patients are compared when they share a key. Each kind of error leaves some key whole: a name that was mistyped
those of birth and telephone, a birth date that was mistyped those of the name, a wedding those of the given name.
"""

from collections.abc import Iterator

from app.identity import fold
from app.identity.fold import UNKNOWN
from app.identity.traits import Traits
from fhir.search.hashing import hash64

MOST = 32
"""Keys of one Patient; one with more names and telephones is found by the first of them."""


def _by_numbers(who: Traits) -> Iterator[str]:
    for one in who.insurance:
        if one.single:
            yield f"insured|{one.household}|{one.branch}"
        yield f"household|{one.household}|{who.birth}"
    for system, value in sorted(who.numbers):
        yield f"number|{system}|{value}"


def _by_birth(who: Traits) -> Iterator[str]:
    born = who.birth
    if not born:
        return
    for name in who.kana:
        # In no order: family and given name may be exchanged.
        for part in {name.family, name.given} - {""}:
            yield f"kana|{part}|{born}"
        if not name.family:
            yield f"kana|{name.whole}|{born}"
    for name in who.kanji:
        for part in {name.family, name.given} - {""}:
            if UNKNOWN not in part:
                yield f"kanji|{fold.plain(part)}|{born}"
    for words in who.letters:
        for word in words:
            yield f"letters|{word}|{born}"
    for number in sorted(who.phones):
        yield f"phone|{number}|{born}"
    for code in sorted(who.postcodes):
        yield f"postcode|{code}|{born}"


def _by_name(who: Traits) -> Iterator[str]:
    """Yield keys that hold where the birth date is wrong: two of its parts, or a telephone, with the name."""
    names = [f"kana|{''.join(sorted((name.family, name.given)))}" for name in who.kana]
    names += [f"letters|{' '.join(sorted(words))}" for words in who.letters]
    for name in who.kanji:
        if UNKNOWN not in name.whole:
            names.append(f"kanji|{''.join(sorted((fold.plain(name.family), fold.plain(name.given))))}")
    year, month, day = who.birth.split("-") if who.birth else ("", "", "")
    for text in names:
        if who.birth:
            yield f"year-month|{text}|{year}{month}"
            yield f"year-day|{text}|{year}{day}"
            yield f"month-day|{text}|{month}{day}"
            yield f"year|{text}|{year}{''.join(sorted((month, day)))}"
        for number in sorted(who.phones):
            yield f"called|{text}|{number}"


def keys(who: Traits) -> list[int]:
    """Return the hashes of the keys of a Patient, without repetition, no more than `MOST`."""
    texts = [*_by_numbers(who), *_by_birth(who), *_by_name(who)]
    return list(dict.fromkeys(hash64(f"identity|{text}") for text in texts))[:MOST]
