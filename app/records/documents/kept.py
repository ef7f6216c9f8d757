"""What is kept of documents: the statements on their tables."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Integer, LargeBinary, and_, bindparam, delete, select

from app.db import DatabaseConnection, WriteConnection
from app.records.documents.tables import document, document_entry, document_fact
from fhir.documents.edition import Edition
from fhir.search.hashing import hash64
from fhir.search.numbers import NUMBERS, in_numbers
from fhir.search.values import Numbers
from fhir.store.in_order import in_order
from fhir.store.read import COLUMNS, stored
from fhir.store.stored import Stored
from fhir.store.tables import CURRENT_VERSION, resource, resource_version

_key = bindparam("key", type_=BigInteger)
_row = bindparam("row", type_=BigInteger)
_rows = bindparam("rows", type_=NUMBERS)


class DocumentRow(NamedTuple):
    """A row of `document`."""

    hash: int
    custodian: int
    patient_key: int
    row: int
    holds: int
    number: str
    instant: int
    withdrawn: int
    reference: str
    provenance: str

    @property
    def edition(self) -> Edition:
        """The place of its newest version."""
        return Edition(self.number, self.instant)


class Fact(NamedTuple):
    """A row of `document_fact` without its patient."""

    hash: int
    row: int
    version: int


class Source(NamedTuple):
    """An entry of a document that holds, which stands for a resource."""

    row: int
    instant: int
    document: int
    entry: int


_BY_HASH = select(*document.c).where(document.c.hash == bindparam("hash", type_=BigInteger))
_BY_ROW = select(*document.c).where(document.c.patient_key == _key, document.c.row == _row)
_REMOVE = delete(document).where(document.c.hash == bindparam("hash", type_=BigInteger))
_ENTRIES = (
    select(document_entry.c.entry, document_entry.c.row)
    .where(document_entry.c.patient_key == _key, document_entry.c.document == _row)
    .order_by(document_entry.c.entry)
)
_REMOVE_ENTRIES = delete(document_entry).where(document_entry.c.patient_key == _key, document_entry.c.document == _row)
_FACTS = select(document_fact.c.hash, document_fact.c.row, document_fact.c.version).where(
    document_fact.c.patient_key == _key
)
_FACTS_BY_HASH = _FACTS.where(in_numbers(document_fact.c.hash, bindparam("hashes", type_=NUMBERS)))
_FACTS_BY_ROW = _FACTS.where(in_numbers(document_fact.c.row, _rows))
_REMOVE_FACT = delete(document_fact).where(
    document_fact.c.patient_key == _key, document_fact.c.hash == bindparam("hash", type_=BigInteger)
)
_SOURCES = (
    select(document_entry.c.row, document.c.instant, document_entry.c.document, document_entry.c.entry)
    .join(
        document,
        and_(document.c.patient_key == document_entry.c.patient_key, document.c.row == document_entry.c.document),
    )
    .where(document_entry.c.patient_key == _key, in_numbers(document_entry.c.row, _rows), document.c.holds == 1)
)
_RESOURCES = (
    select(*COLUMNS)
    .select_from(in_order(resource, resource_version, CURRENT_VERSION))
    .where(resource.c.patient_key == _key, in_numbers(resource.c.row, _rows))
)
_RECEIVED = select(resource_version.c.undo, resource_version.c.digest).where(
    resource_version.c.patient_key == _key,
    resource_version.c.row == _row,
    resource_version.c.version == bindparam("version", type_=Integer),
)
_SAME_BYTES = (
    select(*COLUMNS)
    .select_from(
        in_order(
            resource,
            resource_version,
            and_(resource_version.c.patient_key == resource.c.patient_key, resource_version.c.row == resource.c.row),
        )
    )
    .where(
        resource.c.patient_key == _key,
        resource.c.row == _row,
        resource.c.deleted == 0,
        resource_version.c.digest == bindparam("digest", type_=LargeBinary),
    )
    .order_by(resource_version.c.version.desc())
    .limit(bindparam("limit", type_=Integer))
)


def hash_of(custodian: int, key: str) -> int:
    """Return the hash of a document: what its custodian, and nobody else, calls it."""
    return hash64(f"document/{custodian}/{key}")


async def lock_facts(connection: WriteConnection, patient_keys: Iterable[int]) -> None:
    """Let transactions that change what documents state of the same patients wait for each other."""
    await connection.lock_all(sorted({hash64(f"documents/{key}") for key in patient_keys}))


async def find(connection: DatabaseConnection, hash_: int) -> DocumentRow | None:
    """Return what is kept of a document, by its hash."""
    rows = await connection.fetch(_BY_HASH, {"hash": hash_})
    return DocumentRow._make(rows[0]) if rows else None


async def find_by_row(connection: DatabaseConnection, patient_key: int, row: int) -> DocumentRow | None:
    """Return what is kept of a document, by its Bundle."""
    rows = await connection.fetch(_BY_ROW, {"key": patient_key, "row": row})
    return DocumentRow._make(rows[0]) if rows else None


async def put(connection: WriteConnection, one: DocumentRow) -> None:
    """Keep what is known of a document now."""
    await connection.execute(_REMOVE, {"hash": one.hash})
    await connection.insert(document, [tuple(one)])


async def entries(connection: DatabaseConnection, patient_key: int, row: int) -> dict[int, int]:
    """Return from the numbers of a document's entries to the rows that they stand for."""
    rows = await connection.fetch(_ENTRIES, {"key": patient_key, "row": row})
    return {number: found for number, found in rows}  # noqa: C416 - rows are those of the database's driver


async def put_entries(
    connection: WriteConnection, patient_key: int, row: int, found: Iterable[tuple[int, int]]
) -> None:
    """Let the entries of a document, by their numbers, stand for these rows and no others."""
    await connection.execute(_REMOVE_ENTRIES, {"key": patient_key, "row": row})
    await connection.insert(document_entry, [(patient_key, row, number, one) for number, one in found])


async def facts_by_hash(connection: DatabaseConnection, patient_key: int, hashes: Collection[int]) -> dict[int, Fact]:
    """Return the facts of a patient that are known, by their hashes."""
    values = {"key": patient_key, "hashes": Numbers(sorted(hashes))}
    return {row[0]: Fact._make(row) for row in await connection.fetch(_FACTS_BY_HASH, values)}


async def facts_by_row(connection: DatabaseConnection, patient_key: int, rows: Collection[int]) -> list[Fact]:
    """Return the facts of a patient that some resources are known by."""
    values = {"key": patient_key, "rows": Numbers(sorted(rows))}
    return [Fact._make(row) for row in await connection.fetch(_FACTS_BY_ROW, values)]


async def put_facts(connection: WriteConnection, patient_key: int, found: Sequence[Fact]) -> None:
    """Keep facts of a patient as they are now."""
    await connection.execute_many(_REMOVE_FACT, [{"key": patient_key, "hash": one.hash} for one in found])
    await connection.insert(document_fact, [(patient_key, *one) for one in found])


async def sources(connection: DatabaseConnection, patient_key: int, rows: Collection[int]) -> list[Source]:
    """Return the entries of documents that hold which stand for some of a patient's resources."""
    values = {"key": patient_key, "rows": Numbers(sorted(rows))}
    return [Source._make(row) for row in await connection.fetch(_SOURCES, values)]


async def resources(connection: DatabaseConnection, patient_key: int, rows: Collection[int]) -> dict[int, Stored]:
    """Return the current versions, deletions too, of some of a patient's resources, by their rows."""
    values = {"key": patient_key, "rows": Numbers(sorted(rows))}
    return {one.row: one for one in map(stored, await connection.fetch(_RESOURCES, values))}


async def same_bytes(connection: DatabaseConnection, patient_key: int, row: int, digest: bytes) -> Stored | None:
    """Return the version of a Bundle that came as these bytes, the newest of several; None when it is deleted."""
    rows = await connection.fetch(_SAME_BYTES, {"key": patient_key, "row": row, "digest": digest, "limit": 1})
    return stored(rows[0]) if rows else None


async def received(connection: DatabaseConnection, one: Stored) -> tuple[bytes, bytes]:
    """Return the script that restores a version as it was received, and the digest of that."""
    values = {"key": one.patient_key, "row": one.row, "version": one.version}
    undo, digest = (await connection.fetch(_RECEIVED, values))[0]
    return bytes(undo), bytes(digest)
