"""The files of a patient as they came, and which of them still say what holds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, bindparam, select

from app.db import DatabaseConnection
from app.exchange.hl7v2.from_fhir.written import Resource
from app.exchange.ssmix2.filing import GONE
from app.exchange.ssmix2.kinds import Flag
from app.exchange.ssmix2.path import NotOfAStore, read_path
from app.exchange.ssmix2.tables import ssmix2_entry, ssmix2_file
from fhir.search.hashing import hash64
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS

_FILES = (
    select(ssmix2_file.c.name, ssmix2_file.c.path, ssmix2_file.c.flag, ssmix2_file.c.received, ssmix2_file.c.body)
    .where(ssmix2_file.c.patient_key == bindparam("patient_key", type_=BigInteger))
    .order_by(ssmix2_file.c.name, ssmix2_file.c.number)
)
_ENTRIES = select(ssmix2_entry.c.name, ssmix2_entry.c.row, ssmix2_entry.c.content).where(
    ssmix2_entry.c.patient_key == bindparam("patient_key", type_=BigInteger),
    # A content folder's Binaries stand and fall with its DocumentReference.
    ssmix2_entry.c.type != NUMBERS["Binary"],
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it came; of a content folder of an extended store the body is empty."""

    path: str
    flag: Flag
    body: bytes
    slot: str
    """What it shares with those that replace it."""
    covers: tuple[str, ...]
    """The resources that came of it and are still as it says."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a content folder of an extended store."""
        return not self.body and self.flag is Flag.CURRENT


async def kept_files(
    connection: DatabaseConnection, patient_key: int, named: Mapping[str, Resource], versions: Collection[Stored]
) -> list[Kept]:
    """Return the newest file under each name that still says what holds.

    A file that holds is given out as it came only where each resource that came of it is there and was changed by
    nobody else: `meta.source` names the file, and no version is newer.

    Args:
        connection: Where to read.
        patient_key: Whose files.
        named: The patient's resources by their names, `Type/id`.
        versions: The same as they are stored.
    """
    rows = {one.row: f"{one.type}/{one.id}" for one in versions}
    changed = {f"{one.type}/{one.id}": one.last_updated for one in versions}
    wrote: dict[int, list[int]] = {}
    for name, row, content in await connection.fetch(_ENTRIES, {"patient_key": patient_key}):
        if content != GONE:
            wrote.setdefault(name, []).append(row)
    newest: dict[int, tuple[Any, ...]] = {}
    for name, *rest in await connection.fetch(_FILES, {"patient_key": patient_key}):
        newest[name] = tuple(rest)
    sources = {name: _stem(str(one.get("meta", {}).get("source", "")).partition("#")[2]) for name, one in named.items()}
    found = []
    for hashed, (path, flag, received, body) in newest.items():
        covers = tuple(rows[row] for row in wrote.get(hashed, ()) if row in rows)
        holds = len(covers) == len(wrote.get(hashed, ())) and all(
            sources.get(one) == _stem(path) and changed[one] <= received for one in covers
        )
        if flag != Flag.CURRENT or holds:
            found.append(Kept(path, Flag(flag), bytes(body), _slot(path), covers if flag == Flag.CURRENT else ()))
    return sorted(found, key=lambda one: one.path)


def _stem(path: str) -> str:
    return path.rpartition("_")[0]


def _slot(path: str) -> str:
    for extended in (False, True):
        try:
            return read_path(path, extended=extended).name.slot
        except NotOfAStore:
            continue
    return str(hash64(path))
