"""An import: what is imported, how far it is, what could not be written, and its queue."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import orjson
from sqlalchemy import Integer, Text, bindparam, delete, insert, select

from app.db import DatabaseConnection, WriteConnection
from app.records.bulk_import.tables import import_fault, import_job
from app.records.jobs.job import Job
from app.records.jobs.queue import Queue

MOST_FAULTS = 10_000
"""Faults of one import that are kept; the rest is counted."""

IMPORTS = Queue(import_job, most_waiting=4, most_kept=10_000, word="import", shared=True)
"""Imports write, and on SQLite there is one writer: so they are few over all clients."""

_ID = bindparam("id", type_=Text)
_ADD_FAULT = insert(import_fault).values(
    {column.name: bindparam(f"n_{column.name}") for column in import_fault.columns}
)
_FAULTS = (
    select(import_fault)
    .where(import_fault.c.job == _ID, import_fault.c.number >= bindparam("first", type_=Integer))
    .order_by(import_fault.c.number)
    .limit(bindparam("count", type_=Integer))
)
_REMOVE_FAULTS = delete(import_fault).where(import_fault.c.job == bindparam("k_id", type_=Text))


@dataclass(frozen=True, slots=True)
class Input:
    """A file of an import: the type it holds (empty for any), its name as it was given, and where it lies."""

    type: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is imported.

    Attributes:
        inputs: The files.
        custodian: The key of the site whose records they become.
        source: Whose ids they have; ids of another source are other resources.
        who: Who asked for it, for the audit log.
    """

    inputs: tuple[Input, ...]
    custodian: int
    source: str
    who: str

    def text(self) -> str:
        """Return it as it is kept."""
        return orjson.dumps(asdict(self)).decode()


@dataclass(slots=True)
class Count:
    """What became of the lines of a file."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    faulty: int = 0
    passes: int = 0
    """The passes that write something of it, as bits."""


@dataclass(slots=True)
class Position:
    """How far an import is: the pass, the file in it, and the last line of that file that is done with."""

    turn: int = 0
    file: int = 0
    line: int = 0
    faults: int = 0
    counts: list[Count] = field(default_factory=list)

    def text(self) -> str:
        """Return it as it is kept."""
        return orjson.dumps(asdict(self)).decode()


def wanted_of(job: Job) -> Wanted:
    """Return what is imported."""
    read = orjson.loads(job.request)
    return Wanted(**{**read, "inputs": tuple(Input(**one) for one in read["inputs"])})


def position_of(job: Job) -> Position:
    """Return how far an import is; it begins with a count for each file."""
    if not job.position:
        return Position(counts=[Count() for _ in wanted_of(job).inputs])
    read = orjson.loads(job.position)
    return Position(**{**read, "counts": [Count(**one) for one in read["counts"]]})


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line was not written."""

    file: int
    line: int
    code: str
    expression: str
    diagnostics: str


async def add_faults(connection: WriteConnection, job: str, first: int, faults: Sequence[Fault]) -> int:
    """Keep faults from number `first` on, as far as there is room, and return the next number."""
    for one in faults:
        if first >= MOST_FAULTS:
            break
        row = {"job": job, "number": first, "file": one.file, "line": one.line, "code": one.code}
        row |= {"expression": one.expression[:1_000], "diagnostics": one.diagnostics[:2_000]}
        await connection.execute(_ADD_FAULT, {f"n_{name}": value for name, value in row.items()})
        first += 1
    return first


async def faults_of(connection: DatabaseConnection, job: str, first: int, count: int) -> list[Fault]:
    """Return at most `count` faults from number `first` on."""
    rows = await connection.fetch(_FAULTS, {"id": job, "first": first, "count": count})
    return [Fault(*row[2:]) for row in rows]


async def remove(connection: WriteConnection, job: Job) -> None:
    """Forget an import, inside a write transaction; what it has written stays."""
    await connection.execute(_REMOVE_FAULTS, {"k_id": job.id})
    await IMPORTS.remove(connection, job)
