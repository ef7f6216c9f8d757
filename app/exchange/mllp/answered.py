"""Messages that were carried out are remembered with their answers: one that is sent again is not done twice.

A sender that heard no answer sends the same message again; so does one whose line broke. HL7 v2.5, 2.9.2.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from secrets import token_hex

from sqlalchemy import BigInteger, Text, bindparam, delete, select

from app.db import Database, WriteConnection
from app.exchange.mllp.acknowledge import Answer, Problem, answers
from app.exchange.mllp.tables import mllp_answer
from app.exchange.mllp.visit import Visit
from app.records.commit import committed
from app.records.writing import Writing
from fhir.search.hashing import hash64

KEPT_MICROSECONDS = 7 * 86_400_000_000
"""How long an answer is remembered."""

_PARTED = b"\x1c"
"""Between answers to one message: what no answer holds."""

_KEPT = select(mllp_answer.c.digest, mllp_answer.c.answer).where(
    mllp_answer.c.source == bindparam("source", type_=Text),
    mllp_answer.c.control_id == bindparam("control_id", type_=Text),
)
_REPLACED = delete(mllp_answer).where(
    mllp_answer.c.source == bindparam("k_source", type_=Text),
    mllp_answer.c.control_id == bindparam("k_control_id", type_=Text),
)
_FORGET = delete(mllp_answer).where(mllp_answer.c.answered < bindparam("before", type_=BigInteger))


class Again(Exception):
    """The message was carried out before.

    Attributes:
        answers: What it was answered with.
    """

    def __init__(self, kept: Sequence[bytes]) -> None:
        super().__init__("The message was carried out before")
        self.answers = list(kept)


def made(visit: Visit, answer: Answer) -> list[bytes]:
    """Return the octets of an answer to a message."""
    hub = visit.request.hub
    return answers(visit.message, visit.body, answer, (token_hex(10), token_hex(10)), hub.clock())


async def _check_new(visit: Visit, connection: WriteConnection) -> None:
    """Check that a message was not carried out; of two that come at once the second waits for the first.

    Raises:
        Again: it was. Another message of the same control id is a new one: some systems begin to count anew.
    """
    source, control_id = visit.source.binding.name, visit.message.control_id
    await connection.lock(hash64(f"mllp\0{source}\0{control_id}"))
    rows = await connection.fetch(_KEPT, {"source": source, "control_id": control_id})
    if not rows:
        return
    if bytes(rows[0][0]) == hashlib.sha256(visit.body).digest():
        kept = bytes(rows[0][1])
        raise Again(kept.split(_PARTED) if kept else [])
    await connection.execute(_REPLACED, {"k_source": source, "k_control_id": control_id})


async def carried_out(visit: Visit, work: Callable[[Writing], Awaitable[Sequence[Problem]]]) -> Answer:
    """Do what a message asks and keep its answer, in one transaction, unless that was done before.

    Args:
        visit: The message.
        work: Gathers what is to be written; returns what its sender should know nevertheless.

    Raises:
        Again: it was.
        FhirError, Refused, Hl7Error: `work` refused; nothing was written.
    """

    async def inside(writing: Writing) -> Answer:
        await _check_new(visit, writing.connection)
        answer = Answer("AA", tuple(await work(writing)))
        visit.answered = made(visit, answer)
        name, digest = visit.source.binding.name, hashlib.sha256(visit.body).digest()
        row = (name, visit.message.control_id, digest, visit.request.now, _PARTED.join(visit.answered))
        await writing.connection.insert(mllp_answer, [row])
        return answer

    try:
        return await committed(visit.request, inside)
    except BaseException:
        # What was to be answered is not true.
        visit.answered = None
        raise


async def forget(database: Database, now: int) -> int:
    """Forget answers of so long ago that nobody sends their messages again; return how many."""
    async with database.write() as connection:
        return await connection.execute(_FORGET, {"before": now - KEPT_MICROSECONDS})
