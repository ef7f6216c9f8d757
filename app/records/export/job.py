"""An export: what was asked for, its files, and its queue."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import orjson
from sqlalchemy import Integer, Text, bindparam, delete, select

from app.blobs.tables import blob
from app.db import DatabaseConnection, WriteConnection
from app.records.export.tables import export_file, export_job
from app.records.jobs.job import Job
from app.records.jobs.queue import Queue

BY_PATIENT = "by Patient"
"""What stands for the type of a file that is organised by Patient."""

EXPORTS = Queue(export_job, most_waiting=4, most_kept=1_000, word="export")

_ID = bindparam("id", type_=Text)
_FILES = select(export_file).where(export_file.c.job == _ID).order_by(export_file.c.number)
_REMOVE_BLOB = delete(blob).where(
    blob.c.custodian == bindparam("k_custodian", type_=Integer), blob.c.digest == bindparam("k_digest", type_=Text)
)
_REMOVE_FILES = delete(export_file).where(export_file.c.job == bindparam("k_id", type_=Text))


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
        organized: Whether files are organised by Patient.
    """

    level: str
    types: tuple[str, ...]
    since: int
    patients: tuple[str, ...] | None
    filters: dict[str, list[list[tuple[str, str]]]]
    elements: dict[str, list[str]]
    organized: bool = False

    def text(self) -> str:
        """Return it as it is kept."""
        return orjson.dumps(asdict(self)).decode()


def wanted_of(job: Job) -> Wanted:
    """Return what was asked for."""
    read = orjson.loads(job.request)
    read["types"] = tuple(read["types"])
    read["patients"] = None if read["patients"] is None else tuple(read["patients"])
    return Wanted(**read)


@dataclass(frozen=True, slots=True)
class File:
    """A file of an export.

    Attributes:
        type: What it holds; `by Patient` when it is organised so, with a plus when its last block goes on in the next.
        count: Resources, and headers of blocks.
    """

    job: str
    number: int
    type: str
    custodian: int
    digest: str
    count: int

    @property
    def organized(self) -> bool:
        """Whether it holds blocks."""
        return self.type.startswith(BY_PATIENT)

    @property
    def continues(self) -> bool:
        """Whether its last block goes on in the next file."""
        return self.type == f"{BY_PATIENT}+"


async def files(connection: DatabaseConnection, id_: str) -> Sequence[File]:
    """Return the files of an export."""
    return [File(*row) for row in await connection.fetch(_FILES, {"id": id_})]


async def remove(connection: WriteConnection, job: Job) -> None:
    """Remove an export, inside a write transaction; nothing refers to its blobs any more, and they are collected."""
    for file in await files(connection, job.id):
        await connection.execute(_REMOVE_BLOB, {"k_custodian": file.custodian, "k_digest": file.digest})
    await connection.execute(_REMOVE_FILES, {"k_id": job.id})
    await EXPORTS.remove(connection, job)
