"""The index follows what is written: keys, matches and links of each new or changed Patient, in the same transaction.

Two transactions that share a key wait for each other, so that neither overlooks what the other writes.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, select

from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import DatabaseConnection, WriteConnection
from app.identity.automatic import act_on, contradicts
from app.identity.candidates import read_candidates
from app.identity.decide import Grade
from app.identity.history import ITSELF, Why
from app.identity.keys import keys
from app.identity.match import judge, match_traits
from app.identity.person import members, person_of
from app.identity.queue import WAITING, State, pair, pairs_of, put, settle
from app.identity.tables import identity_key
from app.identity.traits import Traits, traits_of
from fhir.store.stored import Stored

_LOCKS = 1024
_FIRST_LOCK = 0x6964_656E_0000
"""The locks of keys, of which several share one: a transaction with hundreds of Patients holds no more than these."""

_KEYS = select(identity_key.c.hash).where(identity_key.c.patient_key == bindparam("patient_key", type_=BigInteger))
_REMOVE = delete(identity_key).where(
    identity_key.c.hash == bindparam("k_hash", type_=BigInteger),
    identity_key.c.patient_key == bindparam("k_patient", type_=BigInteger),
)


class _Written(NamedTuple):
    """A Patient that was written."""

    stored: Stored
    traits: Traits
    keys: list[int]


async def _replace_keys(connection: DatabaseConnection, patient_key: int, new: Sequence[int], *, is_new: bool) -> None:
    had = set() if is_new else {int(key) for (key,) in await connection.fetch(_KEYS, {"patient_key": patient_key})}
    gone = [{"k_hash": key, "k_patient": patient_key} for key in had - set(new)]
    if gone:
        await connection.execute_many(_REMOVE, gone)
    await connection.insert(identity_key, [(key, patient_key) for key in new if key not in had])


async def _settle_gone(connection: DatabaseConnection, patient_key: int, still: Iterable[int], why: Why) -> None:
    """Take pairs out of the queue that are not alike any more; `still` are the Patients that are."""
    for waiting in await pairs_of(connection, patient_key):
        other = waiting.other if waiting.one == patient_key else waiting.one
        if waiting.state in WAITING and other not in still:
            await settle(connection, (patient_key, other), State.GONE, why)


async def _doubt(connection: DatabaseConnection, patient_key: int, person: int, who: Traits, now: int) -> None:
    """Ask whether a Patient that was changed still is the person: when it contradicts all others of it."""
    others = [key for key in await members(connection, person) if key != patient_key]
    judged = [judge(who, one) for one in await read_candidates(connection, EVERYTHING_VISIBLE, others)]
    if not judged or not all(contradicts(match) for match in judged):
        return
    nearest = max(judged, key=lambda match: match.points)
    known = await pair(connection, patient_key, nearest.candidate.key)
    if known is None or known.state is not State.KEPT or known.points != nearest.points:
        asked = (patient_key, nearest.candidate.key)
        await put(connection, asked, Grade.NO, nearest.points, nearest.evidence, Why(now, ITSELF, "doubt"))


async def _look(connection: DatabaseConnection, one: _Written, now: int) -> list[int]:
    """Look for the person of one Patient; return who became another person's, and with whom."""
    key = one.stored.patient_key
    person = await person_of(connection, key) or key
    matches = await match_traits(connection, EVERYTHING_VISIBLE, one.traits, one.keys, without=key)
    if one.stored.version > 1:
        still = {match.candidate.key for match in matches}
        await _settle_gone(connection, key, still, Why(now, ITSELF, "changed"))
        await _doubt(connection, key, person, one.traits, now)
    return await act_on(connection, key, person, matches, now)


async def follow_patients(connection: WriteConnection, written: Iterable[Stored], now: int) -> list[int]:
    """Let the index follow the Patients among `written`.

    Args:
        connection: The write's own, after everything else of it was written.
        written: The versions that it wrote.
        now: Microseconds since 1970 UTC.

    Returns:
        The keys of the Patients that became another person's, and of those that they were linked with.
    """
    last = {one.patient_key: one for one in written if one.type == "Patient"}
    if not last:
        return []
    return await index_patients(connection, list(last.values()), now)


def _read(stored: Stored) -> _Written:
    if stored.deleted:
        return _Written(stored, Traits(), [])
    who = traits_of(bytes(stored.body))
    return _Written(stored, who, keys(who))


async def index_patients(connection: WriteConnection, patients: Sequence[Stored], now: int) -> list[int]:
    """Write the keys of Patients, then look for the person of each; return who became whose, as `follow_patients`."""
    found = [_read(stored) for stored in patients]
    await connection.lock_all(sorted({_FIRST_LOCK + key % _LOCKS for one in found for key in one.keys}))
    for one in found:
        await _replace_keys(connection, one.stored.patient_key, one.keys, is_new=one.stored.version == 1)
    moved: list[int] = []
    for one in found:
        if one.stored.deleted:
            await _settle_gone(connection, one.stored.patient_key, (), Why(now, ITSELF, "deleted"))
        else:
            moved += await _look(connection, one, now)
    return moved
