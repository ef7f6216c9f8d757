"""Matching: from a Patient, stored or only described, to those who are certainly, probably or possibly the same person.

https://hl7.org/fhir/R4/patient-operation-match.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.db import DatabaseConnection
from app.identity.candidates import Candidate, find_candidates
from app.identity.compare import compare
from app.identity.decide import Grade, certain_rule, decide, likelihood, score
from app.identity.evidence import Evidence
from app.identity.keys import keys
from app.identity.traits import Traits, traits
from fhir.store.connection import Visibility


class Match(NamedTuple):
    """A Patient that is more or less the one that was asked for."""

    candidate: Candidate
    grade: Grade
    points: int
    """The sum of the weights."""
    evidence: tuple[Evidence, ...]

    @property
    def score(self) -> float:
        """Between 0 and 1, as `$match` answers it."""
        return likelihood(self.points)

    @property
    def rule(self) -> str:
        """The name of the rule that makes it certain, or an empty text."""
        return certain_rule(frozenset(rule for rule, _ in self.evidence))


def judge(who: Traits, candidate: Candidate) -> Match:
    """Return what is to be said of one candidate."""
    found = compare(who, candidate.traits)
    return Match(candidate, decide(found), score(found), found)


async def match_traits(
    connection: DatabaseConnection,
    visibility: Visibility,
    who: Traits,
    hashes: Sequence[int],
    *,
    without: int = 0,
) -> list[Match]:
    """Return the matches of traits that are possible at least, the surest first; `without` is the Patient itself."""
    candidates = await find_candidates(connection, visibility, hashes, without=without)
    found = [judge(who, candidate) for candidate in candidates]
    return sorted(
        (one for one in found if one.grade > Grade.NO), key=lambda one: (-one.grade, -one.points, one.candidate.key)
    )


async def match(
    connection: DatabaseConnection, visibility: Visibility, patient: Mapping[str, Any], *, without: int = 0
) -> list[Match]:
    """Return those who match a Patient, the surest first.

    Nobody is found that does not exist under `visibility`; nor does anybody hidden change who is found.

    Args:
        connection: Where to read.
        visibility: What the caller may see: that of the request. A role that sees no identities finds nobody.
        patient: The Patient, as a resource; it need not be stored.
        without: The key of the Patient itself, when it is stored.
    """
    who = traits(patient)
    return await match_traits(connection, visibility, who, keys(who), without=without)
