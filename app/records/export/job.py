"""An export as a row: what was asked for, and the statements of its life."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import BigInteger, Integer, SmallInteger, Text, bindparam, delete, func, insert, select, update

from app.blobs.tables import blob
from app.db import DatabaseConnection
from app.records.export.tables import WAITING, export_file, export_job
from app.records.request import FhirRequest
from fhir.errors import FhirError, NotFound

MOST_WAITING = 4
"""Exports of one client that are made ready at once."""

_COLUMNS = (
    *(export_job.c.id, export_job.c.client, export_job.c.purpose, export_job.c.request, export_job.c.address),
    *(export_job.c.begun, export_job.c.ends, export_job.c.state, export_job.c.step, export_job.c.steps),
    export_job.c.position,
)
_ID, _CLIENT = bindparam("id", type_=Text), bindparam("client", type_=Text)
_NOW = bindparam("now", type_=BigInteger)
_OF_CLIENT = select(*_COLUMNS).where(export_job.c.id == _ID, export_job.c.client == _CLIENT, export_job.c.ends > _NOW)
_WAITING_OF = select(func.count()).where(export_job.c.client == _CLIENT, export_job.c.state == WAITING)
_ADD = insert(export_job).values({column.name: bindparam(f"n_{column.name}") for column in export_job.columns})
NEXT = (
    select(*_COLUMNS)
    .where(export_job.c.state == WAITING, export_job.c.until < _NOW, export_job.c.ends > _NOW)
    .order_by(export_job.c.begun, export_job.c.id)
    .limit(1)
)
EXPIRED = select(export_job.c.id).where(export_job.c.ends <= _NOW).limit(100)
TAKE = (
    update(export_job)
    .where(export_job.c.id == bindparam("k_id", type_=Text), export_job.c.state == WAITING)
    .where(export_job.c.until < bindparam("k_now", type_=BigInteger))
    .values(until=bindparam("n_until", type_=BigInteger))
)
ADVANCE = (
    update(export_job)
    .where(export_job.c.id == bindparam("k_id", type_=Text), export_job.c.state == WAITING)
    .where(export_job.c.until == bindparam("k_until", type_=BigInteger))
    .values(
        until=bindparam("n_until", type_=BigInteger),
        step=bindparam("n_step", type_=Integer),
        steps=bindparam("n_steps", type_=Integer),
        position=bindparam("n_position", type_=Text),
        state=bindparam("n_state", type_=SmallInteger),
    )
)
_FILES = select(export_file).where(export_file.c.job == _ID).order_by(export_file.c.number)
_REMOVE_BLOB = delete(blob).where(
    blob.c.custodian == bindparam("k_custodian", type_=Integer), blob.c.digest == bindparam("k_digest", type_=Text)
)
_REMOVE_FILES = delete(export_file).where(export_file.c.job == bindparam("k_id", type_=Text))
_REMOVE = delete(export_job).where(export_job.c.id == bindparam("k_id", type_=Text))


class TooMany(FhirError):
    """The client has as many exports under way as it may have."""

    status = 429
    code = "throttled"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an export is asked for.

    Attributes:
        level: `system`, `Patient` or `Group`.
        types: The types wanted.
        since: Changed at this instant or later.
        patients: Ids of Patients, when only some persons' records are wanted; None for all.
        filters: For a type the queries of which one must match.
        elements: For a type (or `""` for all) the elements wanted.
    """

    level: str
    types: tuple[str, ...]
    since: int
    patients: tuple[str, ...] | None
    filters: dict[str, list[list[tuple[str, str]]]]
    elements: dict[str, list[str]]

    def text(self) -> str:
        """Return it as it is kept."""
        return orjson.dumps(asdict(self)).decode()


@dataclass(frozen=True, slots=True)
class Job:
    """An export."""

    id: str
    client: str
    purpose: str
    request: str
    address: str
    begun: int
    ends: int
    state: int
    step: int
    steps: int
    position: str

    @property
    def wanted(self) -> Wanted:
        """What was asked for."""
        read = orjson.loads(self.request)
        read["types"] = tuple(read["types"])
        read["patients"] = None if read["patients"] is None else tuple(read["patients"])
        return Wanted(**read)


@dataclass(frozen=True, slots=True)
class File:
    """A file of an export."""

    job: str
    number: int
    type: str
    custodian: int
    digest: str
    count: int


async def add(request: FhirRequest, wanted: Wanted, address: str) -> str:
    """Put an export in the queue and return its id.

    Raises:
        TooMany: the client has too many that wait.
    """
    hub, caller = request.hub, request.caller
    id_ = secrets.token_hex(16)
    async with hub.database.write() as connection:
        waiting = await connection.fetch(_WAITING_OF, {"client": caller.client})
        if waiting[0][0] >= MOST_WAITING:
            raise TooMany(f"{MOST_WAITING} exports of this client are under way; please wait for one to end")
        row: dict[str, Any] = {
            "id": id_,
            "client": caller.client,
            "purpose": caller.purpose,
            "request": wanted.text(),
            "address": address,
            "begun": request.now,
            "state": WAITING,
            "until": 0,
            "step": 0,
            "steps": 0,
            "ends": request.now + hub.settings.export_hours * 3_600_000_000,
            "position": "",
        }
        await connection.execute(_ADD, {f"n_{name}": value for name, value in row.items()})
    hub.exports_wait.set()
    return id_


async def of_caller(request: FhirRequest) -> Job:
    """Return the export that the request names.

    Raises:
        NotFound: there is none of this client, or it has expired.
    """
    values = {"id": request.id, "client": request.caller.client, "now": request.hub.clock()}
    rows = await request.hub.database.reader.fetch(_OF_CLIENT, values)
    if not rows or request.caller.account:
        raise NotFound("There is no such export, or it has expired")
    return Job(*rows[0])


async def files(connection: DatabaseConnection, id_: str) -> Sequence[File]:
    """Return the files of an export."""
    return [File(*row) for row in await connection.fetch(_FILES, {"id": id_})]


async def remove(connection: DatabaseConnection, id_: str) -> None:
    """Remove an export, inside a write transaction; nothing refers to its blobs any more, and they are collected."""
    for file in await files(connection, id_):
        await connection.execute(_REMOVE_BLOB, {"k_custodian": file.custodian, "k_digest": file.digest})
    await connection.execute(_REMOVE_FILES, {"k_id": id_})
    await connection.execute(_REMOVE, {"k_id": id_})
