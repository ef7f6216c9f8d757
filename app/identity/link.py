"""Linking, breaking, and taking either back: persons change, records do not move.

A person's number is the key of one of its Patients; when that one leaves, the others get the number of another.
"""

from collections.abc import Sequence

from app.access import epoch
from app.db import DatabaseConnection
from app.identity.grants import move
from app.identity.history import Act, Event, Move, Why, event_of, mark_undone, moves_of, note
from app.identity.never import allow, apart, never
from app.identity.person import members, person_of
from app.identity.queue import State, between, settle, settle_linked
from fhir.errors import Conflict, NotFound

_UNSAID = Why(0, "", "")


async def link(
    connection: DatabaseConnection,
    person: int,
    other: int,
    why: Why = _UNSAID,
    *,
    pair: tuple[int, int] | None = None,
) -> list[int]:
    """Make two persons one: every Patient of `other`, with its Consents' grants, is one of `person` from now on.

    Args:
        connection: Inside a write transaction.
        person: The person that stays.
        other: The person that ends.
        why: By whom and why.
        pair: The two Patients that were looked at; without it, the two persons' first.

    Returns:
        The keys of the Patients that moved; none when the two are one already.

    Raises:
        Conflict: Patients of the two are known to be different persons.
    """
    if person == other:
        return []
    staying, moved = await members(connection, person), await members(connection, other)
    if await apart(connection, moved, staying):
        raise Conflict("These are known to be different persons: allow the link first")
    await move(connection, moved, other, person)
    await note(connection, Act.LINK, pair or (person, other), why, [(key, other, person) for key in moved])
    await settle_linked(connection, moved, person, why)
    return moved


async def _take_out(connection: DatabaseConnection, patient_key: int, person: int, rest: Sequence[int]) -> list[Move]:
    """Make a Patient a person of its own; return who moved."""
    if patient_key != person:
        await move(connection, [patient_key], person, patient_key)
        return [(patient_key, person, patient_key)]
    # The person had this one's number: the others go on under another.
    after = min(rest)
    await move(connection, rest, person, after)
    return [(key, person, after) for key in rest]


async def break_link(connection: DatabaseConnection, patient_key: int, why: Why) -> list[int]:
    """Take a Patient out of its person: it stands alone, with the grants of its own Consents and no others.

    It is noted as a different person from those that it was linked with, so that the next write does not link them
    again; `allow` takes that back.

    Args:
        connection: Inside a write transaction.
        patient_key: The Patient.
        why: By whom and why.

    Returns:
        The keys of all Patients that the person had.

    Raises:
        NotFound: there is no such Patient.
        Conflict: it stands alone already.
    """
    person = await person_of(connection, patient_key)
    if person is None:
        raise NotFound("There is no such Patient")
    whole = await members(connection, person)
    rest = [key for key in whole if key != patient_key]
    if not rest:
        raise Conflict("The Patient is not linked with another")
    moves = await _take_out(connection, patient_key, person, rest)
    await note(connection, Act.BREAK, (patient_key, rest[0]), why, moves)
    await never(connection, [(patient_key, key) for key in rest], why)
    for one in rest:
        await settle(connection, (patient_key, one), State.APART, why)
    await epoch.grow(connection)
    return whole


async def never_link(connection: DatabaseConnection, one: int, other: int, why: Why) -> None:
    """Note that two Patients are different persons.

    Raises:
        NotFound: one of them does not exist.
        Conflict: they are linked: the link is broken first.
    """
    persons = [await person_of(connection, key) for key in (one, other)]
    if None in persons:
        raise NotFound("There is no such Patient")
    if persons[0] == persons[1]:
        raise Conflict("The two are linked: break the link first")
    await never(connection, [(one, other)], why)
    await note(connection, Act.NEVER, (one, other), why)
    await settle(connection, (one, other), State.APART, why)
    some, others = await members(connection, persons[0] or 0), await members(connection, persons[1] or 0)
    for waiting in await between(connection, some, others):
        # What was decided of two Patients holds for the persons they are.
        await settle(connection, (waiting.one, waiting.other), State.APART, why)


async def allow_link(connection: DatabaseConnection, one: int, other: int, why: Why) -> int:
    """Forget that the persons of two Patients are different; they may be linked again. Return how many pairs that were.

    Raises:
        NotFound: one of them does not exist.
    """
    persons = [await person_of(connection, key) for key in (one, other)]
    if persons[0] is None or persons[1] is None:
        raise NotFound("There is no such Patient")
    some, others = await members(connection, persons[0]), await members(connection, persons[1])
    count = await allow(connection, await apart(connection, some, others))
    await note(connection, Act.ALLOW, (one, other), why)
    return count


async def _check_undo(connection: DatabaseConnection, event: Event, moves: Sequence[Move]) -> None:
    """Raise Conflict where an event cannot be taken back exactly."""
    if event.act not in (Act.LINK, Act.BREAK) or event.undone or not moves:
        raise Conflict("This event cannot be taken back, or was already")
    moved = [key for key, _, _ in moves]
    before, after = moves[0][1], moves[0][2]
    if {await person_of(connection, key) for key in moved} != {after}:
        raise Conflict("The persons have changed since: take back what came later first")
    if event.act is Act.LINK and await members(connection, before):
        raise Conflict("The person that ended is in use again: break the link instead")
    sides = {await person_of(connection, event.one), await person_of(connection, event.other)}
    if event.act is Act.BREAK and (set(await members(connection, after)) != set(moved) or sides != {before, after}):
        raise Conflict("The Patient is linked with another by now")


async def undo(connection: DatabaseConnection, number: int, why: Why) -> list[int]:
    """Take a link or a break back: the persons are exactly those of before, with the grants of their own Consents.

    After a link is taken back the Patients of the two persons are noted as different; after a break, no more.

    Returns:
        The keys of the Patients that moved.

    Raises:
        NotFound: there is no such event.
        Conflict: something came after it that must be taken back first.
    """
    event = await event_of(connection, number)
    if event is None:
        raise NotFound("There is no such event")
    moves = await moves_of(connection, number)
    await _check_undo(connection, event, moves)
    before, after = moves[0][1], moves[0][2]
    moved = [key for key, _, _ in moves]
    others = [key for key in await members(connection, after if event.act is Act.LINK else before) if key not in moved]
    await move(connection, moved, after, before)
    by = await note(connection, Act.UNDO, (event.one, event.other), why, [(key, after, before) for key in moved])
    await mark_undone(connection, number, by)
    pairs = [(key, other) for key in moved for other in others]
    if event.act is Act.LINK:
        await never(connection, pairs, why)
    else:
        await allow(connection, pairs)
    for pair in pairs:
        await settle(connection, pair, State.APART if event.act is Act.LINK else State.LINKED, why)
    await epoch.grow(connection)
    return moved
