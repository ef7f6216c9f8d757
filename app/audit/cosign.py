"""Has the newest checkpoint cosigned by the witnesses, again and again, and raises the alarm when one refuses.

A witness that refuses has signed another history of this log: the database was rolled back, or the key signs twice.

https://c2sp.org/tlog-witness
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx
from sqlalchemy import bindparam, func, select

from app.audit import note, proofs
from app.audit.note import NoteError, Verifier
from app.audit.record import Event
from app.audit.tables import audit_cosignature
from app.audit.witness.add_checkpoint import MOST_BYTES, Submission
from app.clock import Clock
from app.comma import parts
from app.db import Database, DatabaseConnection

CALL_SECONDS = 10.0

logger = logging.getLogger(__name__)

_LAST = select(func.max(audit_cosignature.c.size)).where(audit_cosignature.c.witness == bindparam("witness"))
_RECENT = (
    select(audit_cosignature.c.size, audit_cosignature.c.witness, audit_cosignature.c.signed)
    .order_by(audit_cosignature.c.size.desc())
    .limit(1_000)
)


class WitnessesError(ValueError):
    """The setting that names the witnesses cannot be used."""


class Refused(Exception):
    """A witness has signed another history of this log."""


class Silent(Exception):
    """A witness cannot be reached, or does not say what it should."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Where a witness is, and the key that it signs with."""

    address: str
    """Without a slash at the end; `/add-checkpoint` is below it."""
    key: Verifier


def witnesses(setting: str) -> tuple[Witness, ...]:
    """Return the witnesses of a setting: `address key`, parted by commas.

    Raises:
        WitnessesError: it is not of that form.
    """
    found = []
    for one in parts(setting):
        address, _, vkey = one.partition(" ")
        try:
            key = Verifier.parse(vkey.strip())
        except NoteError as error:
            raise WitnessesError(f"{one!r} is not an address and a witness's key: {error}") from None
        if not address.startswith(("http://", "https://")) or key.type != note.COSIGNATURE:
            raise WitnessesError(f"{one!r} is not an address and a witness's key")
        found.append(Witness(address.rstrip("/"), key))
    return tuple(found)


class Cosigning:
    """The hub's side of its witnesses.

    Args:
        database: The hub's database.
        witnesses: Whom to ask.
        record: Writes an event into the audit log.
        clock: The present in microseconds.
    """

    def __init__(
        self,
        database: Database,
        witnesses: Sequence[Witness],
        record: Callable[[Sequence[Event]], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._database = database
        self._witnesses = witnesses
        self._record = record
        self._clock = clock
        self.refusals: dict[str, str] = {}
        """What each witness that refuses has said, by its name; empty when none does."""

    async def run(self) -> int:
        """Ask every witness once and return how many cosigned the newest checkpoint, or had done so before."""
        try:
            size, signed = await proofs.newest(self._database.reader)
        except IndexError:
            return 0
        count = 0
        async with httpx.AsyncClient(timeout=CALL_SECONDS, trust_env=False) as http:
            for witness in self._witnesses:
                try:
                    await self._ask(http, witness, size, signed)
                except Silent as error:
                    logger.warning("The witness %s does not cosign: %s", witness.key.name, error)
                except Refused as error:
                    await self._alarm(witness, str(error))
                else:
                    self.refusals.pop(witness.key.name, None)
                    count += 1
        return count

    async def _ask(self, http: httpx.AsyncClient, witness: Witness, size: int, signed: str) -> None:
        reader = self._database.reader
        old = int((await reader.fetch(_LAST, {"witness": witness.key.vkey}))[0][0] or 0)
        if old == size:
            return
        # It may have signed more than is known here, when its answer was lost or the database is older: it says so.
        for _ in range(2):
            if old > size:
                raise Refused(f"it has signed {old} records of this log, which has {size}: the log was rolled back")
            proof = await proofs.consistency(reader, old, size)
            sent = Submission(old, tuple(proof), signed)
            status, body = await _post(http, f"{witness.address}/add-checkpoint", sent.to_bytes())
            if status == 200:
                await self._keep(witness, size, signed, body)
                return
            if status != 409:
                break
            stated = body.strip()
            if not (stated.isascii() and stated.isdigit()) or len(stated) > 18 or int(stated) == old:
                raise Refused(f"it has signed another log of {old} records: the log was forked")
            old = int(stated)
        if status == 422:
            raise Refused(f"this log of {size} records does not go on from the {old} that it has signed")
        if status == 409:
            raise Silent("it is being asked by others")
        raise Silent(f"it answered {status}: {body[:200].strip()}")

    async def _keep(self, witness: Witness, size: int, signed: str, lines: str) -> None:
        """Keep the signature of a witness, once it is verified."""
        for line in lines.splitlines(keepends=True):
            try:
                note.verify(note.parse(signed)[0] + "\n" + line, [witness.key])
            except NoteError:
                continue
            async with self._database.write() as connection:
                rows = [(size, witness.key.vkey, self._clock(), line)]
                await connection.insert_missing(audit_cosignature, rows)
            return
        raise Silent("it did not sign with its key")

    async def _alarm(self, witness: Witness, reason: str) -> None:
        """Say it in the log, and once in the audit log."""
        logger.critical("The witness %s refuses: %s", witness.key.name, reason)
        if self.refusals.get(witness.key.name) == reason:
            return
        self.refusals[witness.key.name] = reason
        event = Event(
            recorded=self._clock(),
            action="E",
            interaction="witness-refused",
            outcome="12",
            outcome_desc=reason,
            path=witness.address,
            description=f"The witness {witness.key.name} refuses the log: {reason}",
        )
        await self._record([event])


async def _post(http: httpx.AsyncClient, address: str, body: bytes) -> tuple[int, str]:
    try:
        async with http.stream("POST", address, content=body) as response:
            received = b""
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > MOST_BYTES:
                    raise Silent("its answer is too long")
            return response.status_code, received.decode()
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeDecodeError) as error:
        raise Silent(str(error) or type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest checkpoint that enough witnesses have signed."""

    size: int
    """Its records; 0 when there is none."""
    signed: int
    """When one of them signed, in microseconds since 1970 UTC."""


async def standing(connection: DatabaseConnection, known: Sequence[Witness], quorum: int) -> Standing:
    """Return the newest checkpoint that `quorum` of these witnesses have signed."""
    keys = {one.key.vkey for one in known}
    counts: Counter[int] = Counter()
    for size, witness, signed in await connection.fetch(_RECENT, {}):
        counts[size] += witness in keys
        if counts[size] >= quorum:
            return Standing(int(size), int(signed))
    return Standing(0, 0)
