"""What the index does by itself with the matches of a Patient: link where it is certain, else ask a person.

A link joins two persons, so nothing in either may speak against it: no two of their Patients may contradict each other,
be known as different persons, or be two records of one site, which gave them two numbers.
"""

from collections.abc import Sequence

from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import DatabaseConnection
from app.identity.candidates import Candidate, read_candidates
from app.identity.decide import Grade
from app.identity.history import ITSELF, Why
from app.identity.link import link
from app.identity.match import Match, judge
from app.identity.never import apart
from app.identity.person import members, person_of
from app.identity.queue import State, as_json, between, pair, put, settle

_BY_NUMBER = frozenset({"certain.insurance", "certain.number"})
"""Rules that hold for two records of one site too."""

MOST_COMPARED = 30
"""Patients of a person that are compared; one with more is for people to look at."""


def contradicts(match: Match) -> bool:
    """Return whether two Patients cannot be one person as far as anybody can tell, by the rules that spoke."""
    rules = {rule for rule, _ in match.evidence}
    if rules & {"birth.differs", "insurance.branch", "twin"}:
        return True
    others = {"kana.family", "kana.differs", "kanji.family", "kanji.differs", "letters.differs"}
    names = {rule for rule in rules if rule.startswith(("kana.", "kanji.", "letters."))}
    return bool(names) and names <= others and "name.newborn" not in rules


def hindrance(some: Sequence[Candidate], others: Sequence[Candidate]) -> str:
    """Return why two persons are not linked by the index itself; empty when nothing speaks against it."""
    if max(len(some), len(others)) > MOST_COMPARED:
        return "many"
    for one in some:
        for other in others:
            match = judge(one.traits, other)
            if contradicts(match):
                return "contradiction"
            same_site = one.stored.custodian == other.stored.custodian
            if same_site and match.rule not in _BY_NUMBER:
                return "same-site"
    return ""


async def _people(connection: DatabaseConnection, person: int) -> list[Candidate]:
    keys = await members(connection, person)
    return await read_candidates(connection, EVERYTHING_VISIBLE, keys[: MOST_COMPARED + 1])


async def act_on(
    connection: DatabaseConnection, patient_key: int, person: int, matches: Sequence[Match], now: int
) -> list[int]:
    """Link a Patient's person with those it certainly is, and put the others into the queue.

    Args:
        connection: Inside a write transaction that holds the locks of the Patient's keys.
        patient_key: The Patient.
        person: The person it is.
        matches: Those of the Patient, the surest first.
        now: Microseconds since 1970 UTC.

    Returns:
        The keys of the Patients that became another person's, and of those that they were linked with: whoever reviews
        the log of either learns of it.
    """
    best: dict[int, Match] = {}
    for match in matches:
        if match.candidate.person != person:
            best.setdefault(match.candidate.person, match)
    own = await members(connection, person)
    strangers = [match for match in best.values() if not await _is_apart(connection, own, match)]
    hindered = await _hindrances(connection, person, strangers)
    moved: list[int] = []
    for match in strangers:
        why = Why(now, ITSELF, match.rule, as_json(match.evidence))
        asked = (patient_key, match.candidate.key)
        reason = hindered.get(match.candidate.person, "")
        if match.grade is Grade.CERTAIN and not reason:
            moved += [*await link(connection, match.candidate.person, person, why, pair=asked), match.candidate.key]
            person = match.candidate.person
        else:
            await _ask(connection, asked, match, Why(now, ITSELF, reason))
    return moved


async def _is_apart(connection: DatabaseConnection, own: Sequence[int], match: Match) -> bool:
    return bool(await apart(connection, await members(connection, match.candidate.person), own))


async def _hindrances(connection: DatabaseConnection, person: int, matches: Sequence[Match]) -> dict[int, str]:
    """Return, by person, why it is not linked though a match is certain.

    Two persons that contradict each other, or are known to be different, cannot both be the one: then none is linked.
    """
    certain = [match for match in matches if match.grade is Grade.CERTAIN]
    if not certain:
        return {}
    people = {match.candidate.person: await _people(connection, match.candidate.person) for match in certain}
    own = await _people(connection, person)
    found = {other: why for other, those in people.items() if (why := hindrance(own, those))}
    left = [other for other in people if other not in found]
    for number, one in enumerate(left):
        for other in left[number + 1 :]:
            keys = [[who.key for who in people[which]] for which in (one, other)]
            if hindrance(people[one], people[other]) or await apart(connection, *keys):
                found[one] = found[other] = "ambiguous"
    return found


async def _ask(connection: DatabaseConnection, asked: tuple[int, int], match: Match, why: Why) -> None:
    """Put a pair into the queue, unless one of the same two persons waits that is as sure, or it was decided on."""
    known = await pair(connection, *asked)
    if known is not None and known.state in (State.APART, State.KEPT, State.LATER):
        return
    mine = await members(connection, await person_of(connection, asked[0]) or asked[0])
    theirs = await members(connection, match.candidate.person)
    for waiting in await between(connection, mine, theirs):
        if (waiting.grade, waiting.points) >= (match.grade, match.points) and (known is None or waiting != known):
            return
        await settle(connection, (waiting.one, waiting.other), State.GONE, why)
    await put(connection, asked, match.grade, match.points, match.evidence, why)
