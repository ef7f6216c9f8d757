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

from sqlalchemy import BigInteger, Select, literal, select

from app.audit import proofs
from app.audit.asking import ask_about
from app.audit.proof_text import inclusion_text
from app.audit.record import Event
from app.audit.review import Question, Reviewer
from app.audit.stored import records_of
from app.audit.tables import audit_leaf
from app.comma import MARK
from app.db import DatabaseConnection
from app.db.padded import padded, parameters
from app.identity.person import MOST_MEMBERS, patient_key_of
from app.identity.same_person import OF_PATIENT, OTHER, SAME_PERSON
from fhir.store.labels import UNDELIVERED, UNINFORMED
from fhir.store.tables import resource

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
    key = await patient_key_of(connection, reference.removeprefix("Patient/"))
    return [] if key is None else await patients_of(connection, key)


@lru_cache(maxsize=16)
def _leaves(count: int) -> Select[Any]:
    rows = parameters("row", count, BigInteger)
    return select(audit_leaf.c.row, audit_leaf.c.leaf).where(audit_leaf.c.row.in_(rows))


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
    question, references = Question(begins=begins, ends=ends), [one.reference for one in patients]
    page = await ask_about(connection, reviewer, question, references, now=now, limit=limit, before=before)
    leaves: dict[int, int] = {}
    if page.entries:
        values = padded("row", [one.row for one in page.entries])
        leaves = {int(row): int(leaf) for row, leaf in await connection.fetch(_leaves(len(values)), values)}
    # What the index has found is in the tree.
    return OwnLog([Line(one.row, one.event, leaves[one.row]) for one in page.entries], page.before)


async def proven(connection: DatabaseConnection, lines: Sequence[Line]) -> list[Proof]:
    """Return the proofs of the records that the newest checkpoint covers, all of that one checkpoint."""
    placed = {line.row: line.leaf for line in lines}
    if not placed:
        return []
    records = dict(await records_of(connection, list(placed)))
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
        file.writestr("own-log.csv", MARK + sheet)
        for one in found:
            file.writestr(f"record-{one.leaf}", one.record)
            file.writestr(f"proof-{one.leaf}", one.text)
    return out.getvalue()
