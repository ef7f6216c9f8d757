"""The auditor's questions: who saw what, by patient, person, site and time, the newest first.

The index holds HMACs alone, so a question is asked by the HMACs that its identifiers have in each year. Filtered, a
record is found once it is in the tree: within a second.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    SmallInteger,
    bindparam,
    func,
    select,
    union_all,
)

from app.audit.desk.tables import audit_failure
from app.audit.keys import Keys, UnknownKey
from app.audit.pointer import follow, hash_of
from app.audit.record import (
    Event,
    RecordError,
    UnknownVersion,
    Unreadable,
    parse,
    search_keys,
    unseal,
    year_of,
)
from app.audit.tables import (
    KINDS,
    audit_checkpoint,
    audit_index,
    audit_pointer,
    audit_record,
    audit_salt,
    audit_tree,
)
from app.clock import row_at, row_time
from app.db import DatabaseConnection
from app.db.padded import padded, parameters
from fhir.store.tables import resource
from fhir.store.types import NUMBERS

FIELDS = {
    "patient": ("patient",),
    "user": ("user",),
    "site": ("organisation", "custodian"),
    "agent": ("user", "client", "organisation", "custodian"),
}
"""What a question may name, and the kinds of the index that hold it; a site is the one that asked or that answered."""

_SAME = {"custodian": "organisation"}
"""Kinds of the index whose HMAC is made as that of another."""

BATCH = 20_000
"""Patients whose HMACs are computed at once to learn whose record it is."""

MOST_KNOWN = 100_000

PATIENCE = 3_600_000_000
"""Microseconds within which a newer key, or release, comes to every process of the hub."""

logger = logging.getLogger(__name__)

_TREE = select(audit_tree.c.size).where(audit_tree.c.id == 1)
_CHECKPOINT = (
    select(audit_checkpoint.c.size, audit_checkpoint.c.signed, audit_checkpoint.c.note)
    .order_by(audit_checkpoint.c.size.desc())
    .limit(1)
)
_OLDEST = select(func.min(audit_record.c.row))
_PATIENTS = (
    select(resource.c.patient_key, resource.c.id)
    .where(
        resource.c.type == NUMBERS["Patient"],
        resource.c.row == resource.c.patient_key,
        resource.c.patient_key < bindparam("below", type_=BigInteger),
    )
    .order_by(resource.c.patient_key.desc())
    .limit(bindparam("limit", type_=Integer))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an auditor asks; an empty text asks nothing."""

    patient: str = ""
    """`Patient/<id>`."""
    user: str = ""
    """The name of an account."""
    site: str = ""
    """`Organization/<id>`."""
    agent: str = ""
    """An account, a client, or `Organization/<id>`: whoever took part."""
    failures: bool = False
    """Only what was refused or failed; known of a record once the log was looked through, within seconds."""
    begins: int = 0
    """Microseconds since 1970 UTC."""
    ends: int = 2**62
    """Microseconds since 1970 UTC; outside."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record, opened."""

    row: int
    event: Event


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of records."""

    entries: Sequence[Entry]
    """The newest first."""
    before: int | None
    """Where the next page begins, None on the last."""


@dataclass(frozen=True, slots=True)
class State:
    """How far the log is."""

    size: int
    """Records in the tree."""
    checkpoint_size: int
    """Records that the last checkpoint covers."""
    signed: int
    """When it was signed, in microseconds since 1970 UTC; 0 when there is none."""
    note: str


def is_newer(row: int, error: Exception, keys: Keys, now: int) -> bool:
    """Return whether a record cannot be read because its key or its release came to this process not yet.

    An hour later it could: then it is forged, and waiting for it would hide all that follow.
    """
    newer = isinstance(error, UnknownVersion) or (isinstance(error, UnknownKey) and error.args[0] > keys.current)
    return newer and row_time(row) > now - PATIENCE


def unreadable(row: int, error: Exception) -> Entry:
    """Return what stands in lists for a record that cannot be read; `renkei audit verify` tells why."""
    logger.error("Record %d cannot be read: %s", row, error)
    event = Event(
        recorded=row_time(row),
        action="E",
        interaction="unreadable-record",
        outcome="8",
        outcome_desc=str(error),
        entities=(f"AuditEvent/{row}",),
        description="This record cannot be read: it was altered, or its key is not known",
    )
    return Entry(row, event)


def _of(*conditions: ColumnElement[bool]) -> Select[tuple[int]]:
    return select(audit_index.c.row).where(
        *conditions,
        audit_index.c.row >= bindparam("begins", type_=BigInteger),
        audit_index.c.row < bindparam("ends", type_=BigInteger),
    )


def _all(kinds: list[BindParameter[int]], hashes: list[BindParameter[int]]) -> Select[tuple[int]]:
    """Return the select of the rows of all these HMACs."""
    return _of(audit_index.c.kind.in_(kinds), audit_index.c.hash.in_(hashes))


def _newest(kinds: list[BindParameter[int]], hashes: list[BindParameter[int]]) -> CompoundSelect[tuple[int]]:
    """Return the select of the newest rows of each of these HMACs: a page of each, however many there are."""
    limit = bindparam("limit", type_=Integer)
    each = [
        _of(audit_index.c.kind == kind, audit_index.c.hash == hash_)
        .order_by(audit_index.c.row.desc())
        .limit(limit)
        .subquery()
        for kind in kinds
        for hash_ in hashes
    ]
    return union_all(*(select(one.c.row) for one in each))


def _bound(field: str, count: int) -> tuple[list[BindParameter[int]], list[BindParameter[int]]]:
    """Return the kinds of the index in which a field is, and its HMACs."""
    hashes = [bindparam(f"{field}{number}", type_=BigInteger) for number in range(count)]
    return [bindparam(f"{field}_{kind}", KINDS[kind], type_=SmallInteger) for kind in FIELDS[field]], hashes


@lru_cache(maxsize=256)
def failures_of(counts: tuple[tuple[str, int], ...]) -> Select[tuple[int, bytes]]:
    """Return the select of a page of what failed, for a question that names these fields by so many HMACs each.

    What failed is walked from the newest on, and each looked for in the index: these are few, and a site has millions.
    """
    row = audit_failure.c.row
    found = select(row).where(row >= bindparam("begins", type_=BigInteger), row < bindparam("ends", type_=BigInteger))
    for field, count in counts:
        kinds, hashes = _bound(field, count)
        one = select(audit_index.c.row).where(
            audit_index.c.kind.in_(kinds), audit_index.c.hash.in_(hashes), audit_index.c.row == row
        )
        # An offset keeps PostgreSQL from turning it round, and reading all that a site has.
        found = found.where(one.offset(0).correlate(audit_failure).exists())
    page = found.order_by(row.desc()).limit(bindparam("limit", type_=Integer))
    records = select(audit_record.c.row, audit_record.c.record).where(audit_record.c.row.in_(page))
    return records.order_by(audit_record.c.row.desc())


@lru_cache(maxsize=256)
def _statement(counts: tuple[tuple[str, int], ...]) -> Select[tuple[int, bytes]]:
    """Return the select of a page for a question that names these fields by so many HMACs each."""
    statement = select(audit_record.c.row, audit_record.c.record).where(
        audit_record.c.row >= bindparam("begins", type_=BigInteger),
        audit_record.c.row < bindparam("ends", type_=BigInteger),
    )
    for field, count in counts:
        kinds, hashes = _bound(field, count)
        found = _newest(kinds, hashes) if len(counts) == 1 else _all(kinds, hashes)
        statement = statement.where(audit_record.c.row.in_(found))
    return statement.order_by(audit_record.c.row.desc()).limit(bindparam("limit", type_=Integer))


async def state(connection: DatabaseConnection) -> State:
    """Return the size of the tree and its last checkpoint."""
    sizes = await connection.fetch(_TREE, {})
    checkpoints = await connection.fetch(_CHECKPOINT, {})
    size, signed, note = checkpoints[0] if checkpoints else (0, 0, "")
    return State(int(sizes[0][0]) if sizes else 0, int(size), int(signed), str(note))


@lru_cache(maxsize=16)
def _pointers(count: int) -> Select[tuple[int, bytes]]:
    """Return the select of the pointers of so many HMACs."""
    hashes = parameters("hash", count, BigInteger)
    return select(audit_pointer.c.hash, audit_pointer.c.pointer).where(audit_pointer.c.hash.in_(hashes))


@lru_cache(maxsize=16)
def _salts_of(count: int) -> Select[tuple[int, bytes]]:
    """Return the select of the salts of so many patients."""
    keys = parameters("key", count, BigInteger)
    return select(audit_salt.c.patient_key, audit_salt.c.salt).where(audit_salt.c.patient_key.in_(keys))


class Reviewer:
    """Answers questions; it remembers whose HMAC is whose.

    Args:
        keys: The audit keys.
    """

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self._known: dict[tuple[int, int, str], int] = {}
        self._unknown: set[tuple[int, int, str]] = set()
        """HMACs without a pointer, of whom a search through all patients found nobody."""

    async def ask(
        self, connection: DatabaseConnection, question: Question, *, now: int, limit: int, before: int | None = None
    ) -> Answer:
        """Return at most `limit` records that answer a question.

        Args:
            connection: Where to read.
            question: What is asked.
            now: The present in microseconds since 1970 UTC.
            limit: The most records.
            before: `Answer.before` of the page before.
        """
        ends = min(row_at(question.ends), 2**63 - 1 if before is None else before)
        values: dict[str, int] = {"begins": row_at(question.begins), "ends": ends, "limit": limit + 1}
        counts = []
        named = {field: getattr(question, field) for field in FIELDS if getattr(question, field)}
        years = await self._years(connection, question, now) if named else range(0)
        if named and not years:
            return Answer([], None)
        for field, name in named.items():
            hashed = dict.fromkeys(_SAME.get(kind, kind) for kind in FIELDS[field])
            found = [one for kind in hashed for one in search_keys(kind, name, self.keys, years)]
            values |= {f"{field}{number}": one for number, one in enumerate(found)}
            counts.append((field, len(found)))
        statement = failures_of(tuple(counts)) if question.failures else _statement(tuple(counts))
        rows = await connection.fetch(statement, values)
        shown = [(int(row), bytes(record)) for row, record in rows[:limit]]
        entries = await self.open_each(connection, shown)
        return Answer(entries, shown[-1][0] if len(rows) > limit else None)

    async def _years(self, connection: DatabaseConnection, question: Question, now: int) -> range:
        """Return the years whose HMACs can be among the records: from the oldest record on, none before it."""
        rows = await connection.fetch(_OLDEST, {})
        oldest = row_time(int(rows[0][0])) if rows and rows[0][0] is not None else now
        return range(year_of(max(question.begins, oldest)), year_of(min(question.ends, now)) + 1)

    async def open(self, connection: DatabaseConnection, records: Sequence[tuple[int, bytes]]) -> list[Entry]:
        """Return records, given by number and bytes, opened; one whose salt is erased stays closed."""
        if len(self._known) + len(self._unknown) > MOST_KNOWN:
            self._known.clear()
            self._unknown.clear()
        wanted = {self._hidden(record) for _, record in records}
        missing = {one for one in wanted if one is not None and one not in self._known}
        missing = await self._look_up(connection, missing) - self._unknown
        if missing:
            await self._learn(connection, missing)
            self._unknown |= missing - self._known.keys()
        salts = await self._salts(connection, {self._known[one] for one in wanted if one in self._known})
        entries = []
        for row, record in records:
            hidden = self._hidden(record)
            salt = salts.get(self._known.get(hidden, 0)) if hidden else None
            entries.append(Entry(row, self._opened(record, salt)))
        return entries

    async def open_each(
        self,
        connection: DatabaseConnection,
        records: Sequence[tuple[int, bytes]],
        instead: Callable[[int, Exception], Entry | None] = unreadable,
    ) -> list[Entry]:
        """Return records, opened; of one that cannot be read what stands for it, so that it hides no other.

        Args:
            connection: Where to read.
            records: By number and bytes.
            instead: From a record's number and what is wrong to what stands for it; None leaves it out.
        """
        try:
            return await self.open(connection, records)
        except (RecordError, UnknownKey) as error:
            if len(records) == 1:
                entry = instead(records[0][0], error)
                return [] if entry is None else [entry]
        half = len(records) // 2
        first = await self.open_each(connection, records[:half], instead)
        return first + await self.open_each(connection, records[half:], instead)

    def _opened(self, record: bytes, salt: bytes | None) -> Event:
        try:
            return unseal(record, self.keys, salt)
        except Unreadable:
            # Its details were erased, and the patient has come again since, with another salt.
            if salt is None:
                raise
            return unseal(record, self.keys, None)

    def _hidden(self, record: bytes) -> tuple[int, int, str] | None:
        """Return year, key and HMAC of a record's patient, or None."""
        members = parse(record)
        return (year_of(members["t"]), members["k"], members["p"]) if "p" in members else None

    async def _salts(self, connection: DatabaseConnection, patient_keys: set[int]) -> dict[int, bytes]:
        """Return the salts of these patients that are not erased."""
        if not patient_keys:
            return {}
        values = padded("key", sorted(patient_keys))
        return {int(key): bytes(salt) for key, salt in await connection.fetch(_salts_of(len(values)), values)}

    async def _look_up(
        self, connection: DatabaseConnection, wanted: set[tuple[int, int, str]]
    ) -> set[tuple[int, int, str]]:
        """Follow the pointers of these HMACs and return those that have none: records of an earlier release."""
        if not wanted:
            return wanted
        by_hash = {hash_of(one[2]): one for one in wanted}
        values = padded("hash", list(by_hash))
        for hash_, pointer in await connection.fetch(_pointers(len(values)), values):
            hidden = by_hash.pop(int(hash_))
            year, key, _ = hidden
            found = follow(self.keys, int(hash_), bytes(pointer), year, key)
            if found is not None:
                self._known[hidden] = found
        return set(by_hash.values())

    async def _learn(self, connection: DatabaseConnection, wanted: set[tuple[int, int, str]]) -> None:
        """Find the patients with these HMACs, the newest patients first."""
        below = 2**63 - 1
        while wanted:
            rows = await connection.fetch(_PATIENTS, {"below": below, "limit": BATCH})
            rings = {(year, key) for year, key, _ in wanted}
            for patient_key, id_ in rows:
                for year, key in rings:
                    hidden = (year, key, self.keys.pseudonym("patient", f"Patient/{id_}", year, key)[0])
                    if hidden in wanted:
                        self._known[hidden] = int(patient_key)
                        wanted = wanted - {hidden}
            if len(rows) < BATCH:
                return
            below = int(rows[-1][0])
