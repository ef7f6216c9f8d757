"""A person's own log: who has looked at the records of the person at whatever site, each record with its proof.

What was looked at is not in it, nor what was typed: a record that the person has not been told of (未告知) must not
show in the list of who has read it.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, Text, bindparam, literal, select

from app.audit import proofs
from app.audit.proof_text import inclusion_text
from app.audit.record import Event
from app.audit.review import Question, Reviewer
from app.audit.tables import audit_leaf, audit_record
from app.db import DatabaseConnection
from app.identity.person import MOST_MEMBERS
from app.identity.same_person import OF_PATIENT, OTHER, SAME_PERSON
from fhir.search.hashing import hash64
from fhir.store.in_order import by_hash
from fhir.store.labels import UNDELIVERED, UNINFORMED
from fhir.store.tables import resource, resource_id
from fhir.store.types import NUMBERS

_WITHHELD = UNINFORMED | UNDELIVERED

_PATIENTS = (
    select(resource.c.patient_key, resource.c.id, resource.c.custodian)
    .select_from(SAME_PERSON)
    .join(resource, (resource.c.patient_key == OTHER.c.patient_key) & (resource.c.row == OTHER.c.patient_key))
    .where(OF_PATIENT)
    .order_by(resource.c.patient_key)
    .limit(MOST_MEMBERS)
)
_TO_PATIENT = _PATIENTS.where(resource.c.labels.op("&")(literal(_WITHHELD, BigInteger)) == 0)

_KEY = (
    select(resource.c.patient_key)
    .select_from(by_hash(resource))
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == NUMBERS["Patient"],
        resource.c.id == bindparam("id", type_=Text),
    )
)


@dataclass(frozen=True, slots=True)
class Known:
    """A Patient of the person."""

    key: int
    id: str
    custodian: int

    @property
    def reference(self) -> str:
        """Its reference."""
        return f"Patient/{self.id}"


@dataclass(frozen=True, slots=True)
class Line:
    """One record of the person's log."""

    row: int
    event: Event
    leaf: int
    """Its place in the log, counted from 0."""


@dataclass(frozen=True, slots=True)
class OwnLog:
    """A page of a person's log, the newest first."""

    lines: Sequence[Line]
    before: int | None
    """Where the next page begins; None on the last."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That one record is in the log, as anybody can check who has the log's public key."""

    leaf: int
    record: bytes
    """The sealed record, as it is stored."""
    text: str
    """A tlog-proof: https://c2sp.org/tlog-proof"""


async def patients_of(connection: DatabaseConnection, patient_key: int, *, to_patient: bool = False) -> list[Known]:
    """Return all Patients of the person who has this one.

    Args:
        connection: Where to read.
        patient_key: The key of one.
        to_patient: Whether the person sees it: a Patient of which the person was not told (未告知), or to whom it is
            not given (未提供), is left out, for that a site knows the person would show.
    """
    statement = _TO_PATIENT if to_patient else _PATIENTS
    return [Known(*row) for row in await connection.fetch(statement, {"patient_key": patient_key})]


async def patients_beside(connection: DatabaseConnection, reference: str) -> list[Known]:
    """Return all Patients of the person who has the Patient with this reference; none when it is not known."""
    values = {"hash": hash64(reference), "id": reference.removeprefix("Patient/")}
    rows = await connection.fetch(_KEY, values)
    return await patients_of(connection, int(rows[0][0])) if rows else []


@lru_cache(maxsize=16)
def _leaves(count: int) -> Select[Any]:
    rows = [bindparam(f"row{number}", type_=BigInteger) for number in range(count)]
    return select(audit_leaf.c.row, audit_leaf.c.leaf).where(audit_leaf.c.row.in_(rows))


@lru_cache(maxsize=16)
def _records(count: int) -> Select[Any]:
    rows = [bindparam(f"row{number}", type_=BigInteger) for number in range(count)]
    return select(audit_record.c.row, audit_record.c.record).where(audit_record.c.row.in_(rows))


def _padded(rows: Sequence[int]) -> dict[str, int]:
    count = 1 << (len(rows) - 1).bit_length()
    return {f"row{number}": row for number, row in enumerate([*rows, *[rows[0]] * (count - len(rows))])}


async def own_log(
    connection: DatabaseConnection,
    reviewer: Reviewer,
    patients: Sequence[Known],
    *,
    now: int,
    limit: int,
    before: int | None = None,
    begins: int = 0,
    ends: int = 2**62,
) -> OwnLog:
    """Return a page of the log of a person.

    Args:
        connection: Where to read.
        reviewer: Opens the records.
        patients: All Patients of the person.
        now: The present in microseconds since 1970 UTC.
        limit: The most records.
        before: `OwnLog.before` of the page before.
        begins: Microseconds since 1970 UTC.
        ends: Likewise; outside.
    """
    found: dict[int, Event] = {}
    more = False
    for patient in patients:
        question = Question(patient=patient.reference, begins=begins, ends=ends)
        page = await reviewer.ask(connection, question, now=now, limit=limit, before=before)
        more = more or page.before is not None
        found |= {entry.row: entry.event for entry in page.entries}
    rows = sorted(found, reverse=True)
    shown = rows[:limit]
    leaves: dict[int, int] = {}
    if shown:
        values = _padded(shown)
        leaves = {int(row): int(leaf) for row, leaf in await connection.fetch(_leaves(len(values)), values)}
    # What the index has found is in the tree.
    lines = [Line(row, found[row], leaves[row]) for row in shown]
    return OwnLog(lines, shown[-1] if shown and (more or len(rows) > limit) else None)


async def proven(connection: DatabaseConnection, lines: Sequence[Line]) -> list[Proof]:
    """Return the proofs of the records that the newest checkpoint covers, all of that one checkpoint."""
    placed = {line.row: line.leaf for line in lines}
    if not placed:
        return []
    values = _padded(list(placed))
    records = {int(row): bytes(record) for row, record in await connection.fetch(_records(len(values)), values)}
    covered, signed = await proofs.newest(connection)
    found = []
    for row, leaf in placed.items():
        if leaf < covered:
            path = await proofs.inclusion(connection, leaf, covered)
            found.append(Proof(leaf, records[row], inclusion_text(leaf, path, signed)))
    return found


HOW = """\
Each record-N is a sealed record of the log, each proof-N the proof that it is in the log. To check one:

    python renkei-audit.pyz record record-N --proof proof-N --key KEY

KEY is a file with the log's public key, had from the secretariat's publication and not from here. `renkei audit
program` writes renkei-audit.pyz, which needs Python 3.11 and the package cryptography, no hub and no network.
"""


def archive(found: Sequence[Proof], sheet: str, about: str) -> bytes:
    """Return the proofs as a ZIP file: the records, the proofs, the sheet as CSV, and how to check them.

    Args:
        found: The proofs.
        sheet: The lines as CSV.
        about: Of which time the sheet is, and whether it is the whole list.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("HOW-TO-CHECK.txt", f"{about}\n\n{HOW}")
        file.writestr("own-log.csv", "\ufeff" + sheet)
        for one in found:
            file.writestr(f"record-{one.leaf}", one.record)
            file.writestr(f"proof-{one.leaf}", one.text)
    return out.getvalue()
