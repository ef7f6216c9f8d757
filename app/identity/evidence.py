"""The rules by which two Patients are compared: each has a name, a weight, and a text on the pages of the portal.

docs/identity.md lists them. Weights are in the manner of Fellegi and Sunter (1969): about the binary logarithm of how
much likelier a finding is between two records of one person than between those of two; a sum of them is a score.
"""

from typing import NamedTuple


class Evidence(NamedTuple):
    """A rule that spoke."""

    rule: str
    weight: int


WEIGHTS = {
    "birth.same": 12,
    "birth.close": 3,
    "birth.differs": -12,
    "birth.missing": 0,
    "sex.same": 1,
    "sex.differs": -5,
    "sex.missing": 0,
    "kana.same": 10,
    "kana.swapped": 8,
    "kana.close": 6,
    "kana.given": 3,
    "kana.family": -3,
    "kana.differs": -6,
    "kanji.same": 8,
    "kanji.variant": 8,
    "kanji.unknown": 6,
    "kanji.swapped": 7,
    "kanji.close": 4,
    "kanji.given": 3,
    "kanji.family": -2,
    "kanji.differs": -5,
    "letters.same": 9,
    "letters.part": 4,
    "letters.differs": -4,
    "name.former": 5,
    "name.newborn": 5,
    "insurance.person": 14,
    "insurance.household": 5,
    "insurance.branch": -10,
    "insurance.differs": -1,
    "number.same": 14,
    "number.differs": -4,
    "phone.same": 5,
    "address.same": 5,
    "postcode.same": 3,
    "address.differs": -1,
    "twin": -4,
}
"""What each rule weighs."""


def evidence(rule: str) -> Evidence:
    """Return a rule that spoke, with its weight."""
    return Evidence(rule, WEIGHTS[rule])
