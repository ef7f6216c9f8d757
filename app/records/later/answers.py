"""What became of a request that is carried out later: an answer an entry, and the queue itself.

Of a write its outcome is kept: a status, where it lies, or why it was refused; never a body. A read is kept as a
question, and asked when it is fetched.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import Integer, Text, bindparam, delete, select

from app.db import DatabaseConnection, WriteConnection
from app.records.jobs.job import Job
from app.records.jobs.queue import Queue
from app.records.later.asked import asked_of, remove_body
from app.records.later.tables import READ, WRITTEN, async_answer, async_job
from fhir.envelope import EnvelopeEntry, Request

REQUESTS = Queue(async_job, most_waiting=4, most_kept=100, word="request")

PAGE = 500
"""Answers that are read at once."""

_JOB = bindparam("job", type_=Text)
_NUMBERS = select(async_answer.c.number).where(async_answer.c.job == _JOB)
_PAGE = (
    select(async_answer.c.number, async_answer.c.kind, async_answer.c.answer)
    .where(async_answer.c.job == _JOB, async_answer.c.number > bindparam("after", type_=Integer))
    .order_by(async_answer.c.number)
    .limit(PAGE)
)
_REMOVE = delete(async_answer).where(async_answer.c.job == bindparam("k_id", type_=Text))


class Answered(NamedTuple):
    """The answer to an entry: what became of a write, or a read that is still to be done."""

    number: int
    kind: int
    answer: bytes


def of_write(number: int, answer: bytes) -> Answered:
    """Return the answer to a write: an entry of a response Bundle, without a resource."""
    return Answered(number, WRITTEN, answer)


def of_read(number: int, entry: EnvelopeEntry) -> Answered:
    """Return an entry that only reads, as the question that it is."""
    resource = None if entry.resource is None else entry.resource.decode()
    return Answered(number, READ, orjson.dumps([list(entry.request or ()), resource]))


def question(answered: Answered) -> EnvelopeEntry:
    """Return the entry that `of_read` was given."""
    request, resource = orjson.loads(answered.answer)
    return EnvelopeEntry(request=Request(*request), resource=None if resource is None else resource.encode())


async def put(connection: WriteConnection, job: Job, answers: Sequence[Answered]) -> None:
    """Write answers, inside a write transaction."""
    await connection.insert(async_answer, [(job.id, *one) for one in answers])


async def numbers(connection: DatabaseConnection, job: Job) -> set[int]:
    """Return the entries that have an answer."""
    return {number for (number,) in await connection.fetch(_NUMBERS, {"job": job.id})}


async def answers(connection: DatabaseConnection, job: Job) -> AsyncIterator[Answered]:
    """Yield the answers in the order of their entries."""
    after = -1
    while page := await connection.fetch(_PAGE, {"job": job.id, "after": after}):
        for number, kind, answer in page:
            yield Answered(number, kind, bytes(answer))
        after = page[-1][0]


async def remove(connection: WriteConnection, job: Job) -> None:
    """Remove a request with its body and its answers, inside a write transaction."""
    await remove_body(connection, asked_of(job))
    await connection.execute(_REMOVE, {"k_id": job.id})
    await REQUESTS.remove(connection, job)
