"""An import as a row: what is imported, how far it is, what became of it, and the statements of its life."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from sqlalchemy import BigInteger, Integer, SmallInteger, Text, bindparam, delete, func, insert, select, update

from app.db import DatabaseConnection, WriteConnection
from app.hub import Hub
from app.records.bulk_import.tables import import_fault, import_job
from app.records.jobs.queue import WAITING, new_id

MOST_FAULTS = 10_000
"""Faults of one import that are kept; the rest is counted."""

_ID, _CLIENT, _NOW = bindparam("id", type_=Text), bindparam("client", type_=Text), bindparam("now", type_=BigInteger)
_KEY = bindparam("k_id", type_=Text)
BY_ID = select(import_job).where(import_job.c.id == _ID, import_job.c.client == _CLIENT)
_ADD = insert(import_job).values({column.name: bindparam(f"n_{column.name}") for column in import_job.columns})
_WAITING = select(func.count()).where(import_job.c.client != "", import_job.c.state == WAITING)
NEXT = (
    select(import_job)
    .where(import_job.c.client != "", import_job.c.state == WAITING, import_job.c.until < _NOW)
    .order_by(import_job.c.begun, import_job.c.id)
    .limit(1)
)
EXPIRED = select(import_job.c.id).where(import_job.c.ends <= _NOW, import_job.c.state != WAITING).limit(100)
TAKE = (
    update(import_job)
    .where(import_job.c.id == _KEY, import_job.c.state == WAITING)
    .where(import_job.c.until < bindparam("k_now", type_=BigInteger))
    .values(until=bindparam("n_until", type_=BigInteger))
)
ADVANCE = (
    update(import_job)
    .where(import_job.c.id == _KEY, import_job.c.state == WAITING)
    .where(import_job.c.until == bindparam("k_until", type_=BigInteger))
    .values(
        until=bindparam("n_until", type_=BigInteger),
        ends=bindparam("n_ends", type_=BigInteger),
        position=bindparam("n_position", type_=Text),
        state=bindparam("n_state", type_=SmallInteger),
    )
)
_ADD_FAULT = insert(import_fault).values(
    {column.name: bindparam(f"n_{column.name}") for column in import_fault.columns}
)
_FAULTS = (
    select(import_fault)
    .where(import_fault.c.job == _ID, import_fault.c.number >= bindparam("first", type_=Integer))
    .order_by(import_fault.c.number)
    .limit(bindparam("count", type_=Integer))
)
_REMOVE = (
    delete(import_fault).where(import_fault.c.job == _KEY),
    delete(import_job).where(import_job.c.id == _KEY),
)


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
        source: Whose ids they have; ids of another source are other resources.
        address: The request, for the manifest.
        who: Who asked for it, for the audit log.
    """

    inputs: tuple[Input, ...]
    source: str
    address: str
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


def _position(text: str) -> Position:
    read = orjson.loads(text)
    return Position(**{**read, "counts": [Count(**one) for one in read["counts"]]})


@dataclass(frozen=True, slots=True)
class Job:
    """An import."""

    id: str
    client: str
    custodian: int
    request: str
    begun: int
    ends: int
    state: int
    until: int
    position: str

    @property
    def wanted(self) -> Wanted:
        """What is imported."""
        read = orjson.loads(self.request)
        return Wanted(**{**read, "inputs": tuple(Input(**one) for one in read["inputs"])})

    @property
    def at(self) -> Position:
        """How far it is."""
        return _position(self.position)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line was not written."""

    file: int
    line: int
    code: str
    expression: str
    diagnostics: str


async def add(hub: Hub, wanted: Wanted, *, client: str, custodian: int, id_: str = "", most_waiting: int = 0) -> str:
    """Put an import in the queue and return its id; an empty text when `most_waiting` are in it already."""
    now = hub.clock()
    row: dict[str, Any] = {
        "id": id_ or new_id(),
        "client": client,
        "custodian": custodian,
        "request": wanted.text(),
        "begun": now,
        "ends": now,
        "state": WAITING,
        "until": 0,
        "position": Position(counts=[Count() for _ in wanted.inputs]).text(),
    }
    async with hub.database.write() as connection:
        if most_waiting and (await connection.fetch(_WAITING, {}))[0][0] >= most_waiting:
            return ""
        await connection.execute(_ADD, {f"n_{name}": value for name, value in row.items()})
    return str(row["id"])


async def find(connection: DatabaseConnection, id_: str, client: str) -> Job | None:
    """Return the import of a client; None when there is none."""
    rows = await connection.fetch(BY_ID, {"id": id_, "client": client})
    return Job(*rows[0]) if rows else None


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


async def remove(connection: WriteConnection, id_: str) -> None:
    """Forget an import; what it has written stays."""
    for statement in _REMOVE:
        await connection.execute(statement, {"k_id": id_})
