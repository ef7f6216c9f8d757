"""From evidence to a grade: certain, probable, possible or no; certain only by a rule, never by a score.

Grades are those of https://hl7.org/fhir/R4/valueset-match-grade.html
"""

from collections.abc import Iterable
from enum import IntEnum

from app.identity.evidence import Evidence


class Grade(IntEnum):
    """How sure it is that two Patients are one person; numbers are stored."""

    NO = 0
    POSSIBLE = 1
    PROBABLE = 2
    CERTAIN = 3

    @property
    def code(self) -> str:
        """The code of FHIR's match grades."""
        return "certainly-not" if self is Grade.NO else self.name.lower()


PROBABLE_FROM = 24
POSSIBLE_FROM = 20
"""Scores; docs/identity.md says what each of them finds."""

_NAMED = frozenset({"kana.same", "kana.swapped", "kana.close"})
_WRITTEN = frozenset({"kanji.same", "kanji.variant", "kanji.unknown", "kanji.swapped", "letters.same"})
_GIVEN = frozenset({"kana.given", "kanji.given", *_NAMED, *_WRITTEN})
_PLACES = frozenset({"phone.same", "address.same", "insurance.household"})
_OTHERWISE = frozenset(
    {"kana.family", "kana.differs", "kanji.family", "kanji.differs", "kanji.close", "letters.differs"}
)
_AGAINST = frozenset(
    {"birth.close", "birth.differs", "birth.missing", "sex.differs", "insurance.branch", "name.newborn", "twin"}
)
"""What keeps a pair from being certain, whatever else agrees."""


def score(found: Iterable[Evidence]) -> int:
    """Return the sum of the weights."""
    return sum(weight for _, weight in found)


def likelihood(points: int) -> float:
    """Return a score as a number between 0 and 1, as `$match` answers it: a half at `PROBABLE_FROM`."""
    return round(1 / (1 + 2 ** ((PROBABLE_FROM - points) / 4)), 4)


def certain_rule(rules: frozenset[str]) -> str:
    """Return the name of the rule by which evidence is certain; empty when it is not.

    Each rule needs the birth date to the day and the given name; none is satisfied by name and birth date alone.
    """
    if rules & _AGAINST or "birth.same" not in rules:
        return ""
    same_sex = "sex.same" in rules
    named, written = bool(rules & _NAMED), bool(rules & _WRITTEN)
    full = ("kana.same" in rules or "kana.swapped" in rules) and not rules & _OTHERWISE
    # The insurance of the person alone says more than a place does.
    places = len(rules & _PLACES) + ("postcode.same" in rules) + 2 * ("insurance.person" in rules)
    given = bool(rules & _GIVEN) and not rules & {"kana.family", "kana.differs", "kanji.family", "kanji.differs"}
    checks = {
        "certain.insurance": "insurance.person" in rules and same_sex and given,
        "certain.number": "number.same" in rules and (full or (written and "kana.differs" not in rules)),
        "certain.name-and-place": same_sex and full and written and places >= 1,
        "certain.one-script": same_sex and (full or (written and not rules & _OTHERWISE)) and bool(rules & _PLACES),
        "certain.without-sex": "sex.missing" in rules and full and written and places >= 2,
        "certain.misspelt-kana": same_sex and named and written and not rules & _OTHERWISE and bool(rules & _PLACES),
        "certain.misread-kana": same_sex and written and rules >= {"kana.family"} and places >= 2,
        "certain.miswritten-kanji": same_sex
        and "kana.same" in rules
        and bool(rules & {"kanji.close", "kanji.family"})
        and places >= 2,
        "certain.former-name": same_sex and rules >= {"name.former"} and given and bool(rules & _PLACES),
    }
    return next((name for name, holds in checks.items() if holds), "")


def decide(found: Iterable[Evidence]) -> Grade:
    """Return the grade of what `compare` found."""
    found = tuple(found)
    rules = frozenset(rule for rule, _ in found)
    if certain_rule(rules):
        return Grade.CERTAIN
    points = score(found)
    if points >= PROBABLE_FROM:
        return Grade.PROBABLE
    return Grade.POSSIBLE if points >= POSSIBLE_FROM else Grade.NO
