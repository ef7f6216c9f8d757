"""A24 and A37: a site says that two of its patients are the same person, or are not.

Records do not move, and nobody else's Patients are touched: where the two are linked by way of another site's Patients,
the secretariat is asked. https://profiles.ihe.net/ITI/TF/Volume2/ITI-30.html
"""

from collections.abc import Awaitable, Callable, Sequence

from app.access import epoch
from app.audit.record import Event
from app.consent.visibility import EVERYTHING_VISIBLE
from app.exchange.hl7v2.to_fhir.mapped import Key
from app.exchange.mllp.acknowledge import DUPLICATE_KEY, TYPE, UNKNOWN_KEY, Answer, Problem, refused
from app.exchange.mllp.answered import carried_out
from app.exchange.mllp.kept import keep
from app.exchange.mllp.numbers import own_numbers
from app.exchange.mllp.store import Storing
from app.exchange.mllp.visit import Visit
from app.identity.candidates import read_candidates
from app.identity.decide import Grade
from app.identity.decision import BROKEN
from app.identity.history import Why
from app.identity.link import break_link
from app.identity.match import judge
from app.identity.merge import join
from app.identity.never import apart
from app.identity.person import members, person_of
from app.identity.queue import put
from app.identity.recorded import LINKED as LINKED_WORDS
from app.identity.recorded import moved_events
from app.records.events import events
from app.records.writing import Writing
from fhir.errors import Conflict
from fhir.store.stored import Stored

LINKED = "linked by the site"
PARTED = "parted by the site"

Decide = Callable[[Storing, Stored, Stored], Awaitable[Sequence[int]]]
"""Decides of two Patients; returns the keys of those that became another person's."""


async def _two(storing: Storing) -> tuple[Stored, Stored]:
    """Return the two Patients of a message.

    Raises:
        Hl7Error, Refused: there are not two, or the site does not have them.
    """
    visit = storing.visit
    visit.message.required("PID")
    segments = visit.message.all("PID")
    if len(segments) != 2:
        raise refused(TYPE, "Two patients are linked or parted: PID is needed twice", "PID", len(segments))
    found = []
    for pid in segments:
        numbers = await own_numbers(storing.writing.connection, visit.message, visit.source, pid, 3)
        patient = await storing.current(Key("Patient", numbers[0].system, numbers[0].value))
        if patient is None:
            raise refused(UNKNOWN_KEY, "The site has no patient of this number", "PID", pid.index, 3)
        found.append(patient)
    if found[0].row == found[1].row:
        raise refused(DUPLICATE_KEY, "Two different patients are needed", "PID", 2, 3)
    return found[0], found[1]


def _why(visit: Visit, words: str) -> Why:
    return Why(visit.request.now, visit.source.caller.client, words)


async def _decided(visit: Visit, interaction: str, decide: Decide) -> Answer:
    """Decide of the two Patients of a message, and say the same whatever it was.

    What is known of the persons depends on other sites: it is not the sender's to learn.
    """

    async def work(writing: Writing) -> Sequence[Problem]:
        storing = Storing(visit, writing)
        one, other = await _two(storing)
        await _note(storing, (one, other), await decide(storing, one, other), interaction)
        return []

    return await carried_out(visit, work)


async def link(visit: Visit) -> Answer:
    """Make one person of two Patients of a site (A24).

    Raises:
        Hl7Error, Refused, FhirError: it is refused; nothing changed.
        Again: it was carried out before.
    """
    return await _decided(visit, "link", _join)


async def unlink(visit: Visit) -> Answer:
    """Part two Patients of a site that are linked (A37).

    Raises:
        Hl7Error, Refused, FhirError: it is refused; nothing changed.
        Again: it was carried out before.
    """
    return await _decided(visit, "unlink", _part)


async def _join(storing: Storing, one: Stored, other: Stored) -> Sequence[int]:
    why = _why(storing.visit, LINKED)
    try:
        return await join(storing.writing.connection, other.patient_key, one.patient_key, why)
    except Conflict:
        if await apart(storing.writing.connection, [one.patient_key], [other.patient_key]):
            raise
        # It is of other sites' Patients that the secretariat knows better.
        await _ask(storing, one, other, Grade.POSSIBLE)
        return ()


async def _part(storing: Storing, one: Stored, other: Stored) -> Sequence[int]:
    connection = storing.writing.connection
    person = await person_of(connection, one.patient_key)
    if person is None or person != await person_of(connection, other.patient_key):
        return ()
    whole = await members(connection, person)
    found = await read_candidates(connection, EVERYTHING_VISIBLE, whole)
    if {each.key for each in found if each.stored.custodian == storing.custodian} == set(whole):
        return await break_link(connection, other.patient_key, _why(storing.visit, PARTED))
    await _ask(storing, one, other, Grade.NO)
    return ()


async def _ask(storing: Storing, one: Stored, other: Stored, grade: Grade) -> None:
    """Ask the secretariat whether the two are one person."""
    connection, visit = storing.writing.connection, storing.visit
    mine, theirs = await read_candidates(connection, EVERYTHING_VISIBLE, [other.patient_key, one.patient_key])
    match = judge(mine.traits, theirs)
    pair = (other.patient_key, one.patient_key)
    await put(connection, pair, grade, match.points, match.evidence, _why(visit, "doubt"))


async def _note(storing: Storing, two: Sequence[Stored], moved: Sequence[int], interaction: str) -> None:
    """Keep the message, and put on record whose persons changed."""
    connection, request = storing.writing.connection, storing.visit.request
    await keep(storing.visit, connection, two[0].patient_key, [])
    told: list[Event] = await events(request, two, 200, connection)
    if moved:
        await epoch.grow(connection)
        words = LINKED_WORDS if interaction == "link" else BROKEN
        told += await moved_events(request, connection, moved, interaction=interaction, words=words)
    await request.hub.audit.stage(connection, told)
