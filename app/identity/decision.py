"""What a person decides of Patients: link, break, never, allow, later, keep, undo; with a reason, and on record.

The secretariat decides (`Caller.role`), of Patients that exist for it; each act is one transaction, its audit records
inside it, and every process knows of it at the next request.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.access import epoch
from app.audit.record import Event
from app.db import DatabaseConnection
from app.identity.candidates import read_candidates
from app.identity.history import Why
from app.identity.link import allow_link, break_link, link, never_link, undo
from app.identity.match import judge
from app.identity.person import person_of
from app.identity.queue import State, as_json, settle
from app.identity.recorded import LINKED, moved_events
from app.records.commit import committed
from app.records.request import FhirRequest
from app.records.writing import Writing
from fhir.errors import Forbidden, InvalidValue, NotFound

MOST_REASON = 500
"""Characters of a reason."""

BROKEN = "No longer linked with records of another person"
REVIEWED = "Looked at whether records are those of one person"

Act = Callable[[DatabaseConnection, Why], Awaitable[list[int]]]
"""Does something inside a write transaction; returns the Patients it is about."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two Patients that exist for the caller."""

    one: int
    other: int


def check(request: FhirRequest, reason: str) -> Why:
    """Return who decides, when and why.

    Raises:
        Forbidden: the caller is not of the secretariat.
        InvalidValue: there is no reason, or too long a one.
    """
    if request.caller.role != "secretariat":
        raise Forbidden("Only the secretariat decides which Patients are one person")
    reason = reason.strip()
    if not reason or len(reason) > MOST_REASON:
        raise InvalidValue(f"A reason is needed, of {MOST_REASON} characters at most", "reason")
    return Why(request.now, request.caller.user or request.caller.client, reason)


async def key_of(request: FhirRequest, id_: str) -> int:
    """Return the key of a Patient that exists for the caller.

    Raises:
        NotFound: it does not.
    """
    return (await request.record.read("Patient", id_)).patient_key


async def pair_of(request: FhirRequest, one: str, other: str) -> Pair:
    """Return two Patients by their ids.

    Raises:
        InvalidValue: they are one.
        NotFound: one does not exist for the caller.
    """
    if one == other:
        raise InvalidValue("Two different Patients are needed", "other")
    return Pair(await key_of(request, one), await key_of(request, other))


async def _decide(request: FhirRequest, why: Why, interaction: str, words: str, act: Act) -> None:
    request.interaction, request.action = interaction, "U"

    async def work(writing: Writing) -> list[int]:
        about = await act(writing.connection, why)
        await epoch.grow(writing.connection)
        return about

    async def tell(about: list[int], writing: Writing) -> list[Event]:
        return await moved_events(request, writing.connection, about, interaction=interaction, words=words)

    await committed(request, work, tell)


async def link_patients(request: FhirRequest, one: str, other: str, reason: str) -> None:
    """Make the persons of two Patients one.

    Args:
        request: The secretariat's.
        one: The id of a Patient; its person stays.
        other: The id of another.
        reason: Why, in words.

    Raises:
        Forbidden: the caller is not of the secretariat.
        NotFound: one of them does not exist for the caller.
        Conflict: they are one already, or known to be different.
    """
    why, pair = check(request, reason), await pair_of(request, one, other)

    async def act(connection: DatabaseConnection, why: Why) -> list[int]:
        persons = [await _person(connection, key) for key in (pair.one, pair.other)]
        first, second = await read_candidates(connection, request.visibility, [pair.one, pair.other])
        spoke = Why(why.at, why.actor, why.reason, as_json(judge(first.traits, second).evidence))
        moved = await link(connection, persons[0], persons[1], spoke, pair=(pair.one, pair.other))
        return sorted({*moved, pair.one, pair.other})

    await _decide(request, why, "link", LINKED, act)


async def _person(connection: DatabaseConnection, key: int) -> int:
    person = await person_of(connection, key)
    if person is None:
        raise NotFound("There is no such Patient")
    return person


async def break_patient(request: FhirRequest, patient: str, reason: str) -> None:
    """Take a Patient out of its person; see `app.identity.link.break_link`."""
    why, key = check(request, reason), await key_of(request, patient)
    await _decide(request, why, "unlink", BROKEN, lambda connection, why: break_link(connection, key, why))


async def never_patients(request: FhirRequest, one: str, other: str, reason: str) -> None:
    """Note that two Patients are different persons, of whom the index links none with the other."""
    why, pair = check(request, reason), await pair_of(request, one, other)

    async def act(connection: DatabaseConnection, why: Why) -> list[int]:
        await never_link(connection, pair.one, pair.other, why)
        return [pair.one, pair.other]

    await _decide(request, why, "identity-review", REVIEWED, act)


async def allow_patients(request: FhirRequest, one: str, other: str, reason: str) -> None:
    """Take back that two Patients are different persons."""
    why, pair = check(request, reason), await pair_of(request, one, other)

    async def act(connection: DatabaseConnection, why: Why) -> list[int]:
        await allow_link(connection, pair.one, pair.other, why)
        return [pair.one, pair.other]

    await _decide(request, why, "identity-review", REVIEWED, act)


async def settle_pair(request: FhirRequest, one: str, other: str, reason: str, state: State) -> None:
    """Put a pair of the queue off (`LATER`), or leave it as it is (`KEPT`)."""
    why, pair = check(request, reason), await pair_of(request, one, other)

    async def act(connection: DatabaseConnection, why: Why) -> list[int]:
        await settle(connection, (pair.one, pair.other), state, why)
        return [pair.one, pair.other]

    await _decide(request, why, "identity-review", REVIEWED, act)


async def undo_event(request: FhirRequest, number: int, reason: str) -> None:
    """Take a link or a break back exactly; see `app.identity.link.undo`."""
    why = check(request, reason)
    await _decide(request, why, "unlink", BROKEN, lambda connection, why: undo(connection, number, why))
