"""Compares the traits of two Patients: which rules speak for one person, and which against.

Of each kind of fact (birth, sex, kana, kanji, insurance …) at most one rule speaks.
"""

from app.identity import fold
from app.identity.closeness import close_dates, one_error
from app.identity.evidence import Evidence, evidence
from app.identity.fold import UNKNOWN
from app.identity.traits import Name, Traits

_ORDER = ("same", "variant", "unknown", "swapped", "close", "given", "family", "differs")
"""From the strongest agreement on: of several names the best pair counts."""

SHORTEST_ADDRESS = 8
"""Characters from which on an address may be the beginning of another: one without the building."""


def _is_swapped(one: Name, other: Name) -> bool:
    return bool(one.family) and one.family == other.given and one.given == other.family


def _kana(one: Name, other: Name) -> str:
    if one.whole == other.whole:
        return "same"
    if _is_swapped(one, other):
        return "swapped"
    if min(len(one.whole), len(other.whole)) >= 4 and one_error(one.whole, other.whole):
        return "close"
    if one.given == other.given:
        return "given"
    return "family" if one.family == other.family and one.family else "differs"


def _kanji(one: Name, other: Name) -> str:
    if one.whole == other.whole:
        return "unknown" if UNKNOWN in one.whole else "same"
    if fold.same_kanji(one.whole, other.whole):
        return "unknown" if UNKNOWN in one.whole + other.whole else "variant"
    exchanged = fold.same_kanji(one.family, other.given) and fold.same_kanji(one.given, other.family)
    if one.family and other.family and exchanged:
        return "swapped"
    if min(len(one.whole), len(other.whole)) >= 3 and one_error(fold.plain(one.whole), fold.plain(other.whole)):
        # 健一 and 健二 are brothers rather than a typing error: the family name must be where the error is.
        return "close" if fold.same_kanji(one.given, other.given) else "family"
    if one.family and other.family and fold.same_kanji(one.given, other.given):
        return "given"
    return "family" if one.family and fold.same_kanji(one.family, other.family) else "differs"


def _family_only(one: Traits, other: Traits) -> list[Evidence]:
    """Compare the family names alone: a given name of the two only stands for one."""
    kana = {name.family for name in one.kana} & {name.family for name in other.kana}
    kanji = {fold.plain(name.family) for name in one.kanji} & {fold.plain(name.family) for name in other.kanji}
    return [evidence("name.newborn"), evidence("kana.family" if kana or kanji else "kana.differs")]


def _letters(one: Traits, other: Traits) -> list[Evidence]:
    if not one.letters or not other.letters:
        return []
    if any(a == b for a in one.letters for b in other.letters):
        return [evidence("letters.same")]
    # A middle name, or one of two family names, is often left out.
    shared = max(len(a & b) if a <= b or b <= a else 0 for a in one.letters for b in other.letters)
    return [evidence("letters.part" if shared >= 2 else "letters.differs")]


def _is_former(one: Traits, other: Traits) -> bool:
    """Return whether a family name that one has now is one that the other had before."""
    now = {name.family for name in one.kana} | {fold.plain(name.family) for name in one.kanji}
    return not (now - {""}).isdisjoint(other.former)


def _shares_given(one: Traits, other: Traits) -> bool:
    kana = {name.given for name in one.kana} & {name.given for name in other.kana}
    kanji = {fold.plain(name.given) for name in one.kanji} & {fold.plain(name.given) for name in other.kanji}
    return bool((kana | kanji) - {""})


def _names(one: Traits, other: Traits) -> list[Evidence]:
    if one.newborn or other.newborn:
        # Two newborns of one family without names may be twins.
        return _family_only(one, other)
    found = []
    if one.kana and other.kana:
        kana = min((_kana(a, b) for a in one.kana for b in other.kana), key=_ORDER.index)
        found.append(evidence(f"kana.{kana}"))
    if one.kanji and other.kanji:
        kanji = min((_kanji(a, b) for a in one.kanji for b in other.kanji), key=_ORDER.index)
        found.append(evidence(f"kanji.{kanji}"))
    # The names of before and after a wedding may look like a typing error: 佐藤 and 伊藤.
    married = any(rule.endswith((".given", ".close")) for rule, _ in found) and _shares_given(one, other)
    if married and (_is_former(one, other) or _is_former(other, one)):
        found.append(evidence("name.former"))
    return found + _letters(one, other)


def _birth(one: Traits, other: Traits) -> Evidence:
    if not one.birth or not other.birth:
        return evidence("birth.missing")
    if one.birth == other.birth:
        return evidence("birth.same")
    return evidence("birth.close" if close_dates(one.birth, other.birth) else "birth.differs")


def _sex(one: Traits, other: Traits) -> Evidence:
    if not one.sex or not other.sex:
        return evidence("sex.missing")
    return evidence("sex.same" if one.sex == other.sex else "sex.differs")


def _insurance(one: Traits, other: Traits) -> list[Evidence]:
    if not one.insurance or not other.insurance:
        return []
    pairs = [(a, b) for a in one.insurance for b in other.insurance if a.household == b.household]
    if any(a == b and a.single for a, b in pairs):
        return [evidence("insurance.person")]
    if any(a.branch != b.branch and a.branch and b.branch for a, b in pairs):
        return [evidence("insurance.branch")]
    return [evidence("insurance.household" if pairs else "insurance.differs")]


def _numbers(one: Traits, other: Traits) -> list[Evidence]:
    if one.numbers & other.numbers:
        return [evidence("number.same")]
    shared = {system for system, _ in one.numbers} & {system for system, _ in other.numbers}
    return [evidence("number.differs")] if shared else []


def _same_address(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer.startswith(shorter) and (len(shorter) >= SHORTEST_ADDRESS or shorter == longer)


def _place(one: Traits, other: Traits) -> list[Evidence]:
    found = []
    if one.phones & other.phones:
        found.append(evidence("phone.same"))
    if any(_same_address(a, b) for a in one.addresses for b in other.addresses):
        found.append(evidence("address.same"))
    elif one.postcodes & other.postcodes:
        found.append(evidence("postcode.same"))
    elif one.postcodes and other.postcodes:
        found.append(evidence("address.differs"))
    return found


def compare(one: Traits, other: Traits) -> tuple[Evidence, ...]:
    """Return the rules that speak about two Patients, in the order of birth, sex, names, numbers, place."""
    found = [_birth(one, other), _sex(one, other), *_names(one, other)]
    found += [*_insurance(one, other), *_numbers(one, other), *_place(one, other)]
    if (one.multiple or other.multiple) and not {"kana.same", "kanji.same"} & {rule for rule, _ in found}:
        found.append(evidence("twin"))
    return tuple(found)
