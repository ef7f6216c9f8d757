"""Writing versions: rows gathered for many resources, then inserted table by table.

The caller has checked the resource, its authority and the version; it holds the transaction and commits it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Integer, Table, Update, and_, bindparam, delete, update

from fhir.search.extract import Index
from fhir.search.hashing import hash64
from fhir.search.text import grams
from fhir.store.connection import Connection
from fhir.store.facts import Facts
from fhir.store.tables import (
    INDEX_TABLES,
    NO_PATIENT,
    index_composite,
    index_date,
    index_gram,
    index_number,
    index_quantity,
    index_reference,
    index_string,
    index_text,
    index_token,
    index_uri,
    resource,
    resource_change,
    resource_id,
    resource_version,
)
from fhir.store.types import NUMBERS

POST, PUT, PATCH = 1, 2, 4
"""The methods by which a version comes that is no deletion."""


MOST_ROWS = 200_000
"""Rows of indexes that are gathered before they are written; some forty megabytes."""

SHORT_LINE, MOST_SEEN = 100, 20_000
"""Characters of a line of text that is remembered, and how many are."""


class NewVersion(NamedTuple):
    """A version to be stored."""

    type: str
    id: str
    patient_key: int
    row: int
    version: int
    custodian: int
    author: int
    facts: Facts
    last_updated: int
    method: int
    body: bytes
    undo: bytes
    digest: bytes
    indexed: Index


Rows = dict[Table, list[tuple[Any, ...]]]


def index_rows(index: Index, patient_key: int, row: int, version: int) -> Rows:
    """Return the rows of `index` in the order of the tables' columns."""
    # Written out: to unpack a key into each of them takes four times as long.
    k, r, v = patient_key, row, version
    return {
        index_token: [(p, code, k, r, v, system) for p, code, system in index.token],
        index_string: [(p, value, k, r, v, exact) for p, value, exact in index.string],
        index_reference: [(p, target, k, r, v) for p, target in index.reference],
        index_uri: [(p, text, k, r, v) for p, _, text in index.uri],
        index_date: [(p, k, r, v, low, high) for p, low, high in index.date],
        index_number: [(p, k, r, v, low, high) for p, low, high in index.number],
        index_quantity: [(p, k, r, v, unit, low, high) for p, unit, low, high in index.quantity],
        index_composite: [
            (p, hash_, k, r, v, element, second, low, high) for p, element, hash_, second, low, high in index.composite
        ],
        index_text: [(p, k, r, v, narrative, other) for p, narrative, other in index.text],
    }


def removal(table: Table, row: tuple[Any, ...]) -> dict[str, Any]:
    """Return the values by which `REMOVE` deletes an index row."""
    return {f"k_{column.name}": value for column, value in zip(table.columns, row, strict=True)}


class Texts:
    """The keys by which the texts of resources are found, gathered for one transaction.

    They are added only, but for what is expunged: what a text no longer has costs a look at the text itself, and is not
    found.
    """

    def __init__(self) -> None:
        self._found: set[tuple[int, int, int, int]] = set()
        self._seen: set[tuple[int, int, int, str]] = set()

    @property
    def keys(self) -> set[tuple[int, int, int, int]]:
        """The rows of `index_gram`."""
        return self._found

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows of `index_text`."""
        for parameter, key, row, _, narrative, other in rows:
            place = (parameter, key, row if key == NO_PATIENT else 0)
            for lines in (narrative, other):
                for line in lines.split("\n"):
                    self._add(place, line)

    def _add(self, place: tuple[int, int, int], line: str) -> None:
        """Add a line; short ones come again and again, and are taken apart once."""
        parameter, key, row = place
        if len(line) <= SHORT_LINE:
            if (*place, line) in self._seen:
                return
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            self._seen.add((*place, line))
        self._found.update([(parameter, gram, key, row) for gram in grams(line)])

    async def flush(self, connection: Connection) -> None:
        """Write the keys that are not there yet."""
        if self._found:
            # In one order, so that two transactions cannot wait for each other.
            await connection.insert_missing(index_gram, sorted(self._found))


class Batch:
    """Versions gathered for one transaction."""

    def __init__(self) -> None:
        self._rows: Rows = {}
        self._created: Rows = {}
        """Those of resources that did not exist: nobody else can write or wait for them."""
        self._created_rows = 0
        self._replaced: list[dict[str, Any]] = []
        self._removed: dict[Table, list[dict[str, Any]]] = {}
        self._texts = Texts()

    def _version(self, new: NewVersion, gathered: Rows) -> int:
        """Add the rows of a version and return how many there are."""
        rows = index_rows(new.indexed, new.patient_key, new.row, new.version)
        for table, some in rows.items():
            if some:
                gathered.setdefault(table, []).extend(some)
        self._texts.add(rows[index_text])
        key, row, version = new.patient_key, new.row, new.version
        gathered.setdefault(resource_version, []).append(
            (key, row, version, new.last_updated, new.method, new.body, new.undo, new.digest)
        )
        change = (new.last_updated, row, version, key, NUMBERS[new.type])
        gathered.setdefault(resource_change, []).append(change)
        return sum(map(len, rows.values()))

    def create(self, new: NewVersion) -> None:
        """Add a resource that did not exist."""
        self._created_rows += self._version(new, self._created)
        id_row = (hash64(f"{new.type}/{new.id}"), new.patient_key, new.row)
        self._created.setdefault(resource_id, []).append(id_row)
        facts = new.facts
        self._created.setdefault(resource, []).append(
            (
                *(new.patient_key, new.row, NUMBERS[new.type], new.id, new.version, 0, new.custodian),
                *(new.author, int(facts.category), facts.labels, facts.clinical_date, new.last_updated),
                int(facts.by_subject),
            )
        )

    def replace(self, new: NewVersion, old_index: Index | None = None) -> None:
        """Add a version after an older one.

        Its index rows stay for a time: pages of a search that began before still read them. With `old_index`, its index
        values, the version is a deletion, and they are removed at once.
        """
        self._version(new, self._rows)
        facts = new.facts
        self._replaced.append(
            {
                "k_patient": new.patient_key,
                "k_row": new.row,
                "k_version": new.version - 1,
                "n_version": new.version,
                "n_deleted": int(old_index is not None),
                "n_category": int(facts.category),
                "n_labels": facts.labels,
                "n_clinical_date": facts.clinical_date,
                "n_last_updated": new.last_updated,
                "n_by_subject": int(facts.by_subject),
            }
        )
        if old_index is None:
            return
        for table, rows in index_rows(old_index, new.patient_key, new.row, new.version - 1).items():
            self._removed.setdefault(table, []).extend(removal(table, row) for row in rows)

    async def flush_created(self, connection: Connection, *, from_rows: int = MOST_ROWS) -> None:
        """Write the rows of what did not exist before, when there are many: a large transaction holds them not all."""
        if self._created_rows >= from_rows:
            created, self._created, self._created_rows = self._created, {}, 0
            for table, rows in created.items():
                await connection.insert(table, rows)

    async def flush(self, connection: Connection) -> bool:
        """Write everything and return whether each replaced version was still the current one."""
        for replaced in self._replaced:
            if await connection.execute(_REPLACE, replaced) != 1:
                return False
        for table, removed in self._removed.items():
            if removed:
                await connection.execute_many(REMOVE[table], removed)
        for table in dict.fromkeys((*self._created, *self._rows)):
            await connection.insert(table, [*self._created.get(table, ()), *self._rows.get(table, ())])
        # Last: transactions that write the same key of a patient's texts wait here for each other.
        await self._texts.flush(connection)
        return True


WIDER = resource.c.labels.op("|")(bindparam("n_labels", type_=BigInteger))
"""The labels of a row with those of a value: another transaction may have added some since the row was read."""


def _replace() -> Update:
    columns: dict[str, ColumnElement[Any]] = {
        name: bindparam(f"n_{name}", type_=resource.c[name].type)
        for name in (*("version", "deleted", "category", "clinical_date", "last_updated", "by_subject"),)
    }
    columns["labels"] = WIDER
    return (
        update(resource)
        .where(resource.c.patient_key == bindparam("k_patient", type_=BigInteger))
        .where(resource.c.row == bindparam("k_row", type_=BigInteger))
        .where(resource.c.version == bindparam("k_version", type_=Integer))
        .values(columns)
    )


def _remove(tables: Iterable[Table]) -> dict[Table, Any]:
    """Return for each table the DELETE of one row by its primary key."""
    return {
        table: delete(table).where(
            and_(*(column == bindparam(f"k_{column.name}", type_=column.type) for column in table.primary_key))
        )
        for table in tables
    }


_REPLACE = _replace()
REMOVE = _remove((*INDEX_TABLES, index_gram))
"""For each index table the DELETE of one row; `removal` makes its values."""
