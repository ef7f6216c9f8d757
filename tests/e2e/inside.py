"""The proof from inside: after a crash the tables agree with each other, and the audit log with them.

Read with the hub's own statements, on one snapshot, in a process of its own.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import BigInteger, Integer, bindparam, func, select

from app.audit import checkpoint
from app.audit.checkpoint import Checkpoint
from app.audit.export import checkpoints, verify_export
from app.audit.extract import export
from app.audit.record import Event, parse, unseal, year_of
from app.audit.tables import audit_checkpoint, audit_leaf, audit_record, audit_salt, audit_stage
from app.db import Database, DatabaseConnection, open_database
from app.imaging.imaging_study import study_uid
from app.lifecycle import audit_keys
from app.settings import Settings
from dicom.store.tables import dicom_study
from fhir.resource import parse as parse_resource
from fhir.search.extract import NO_INDEX, extract
from fhir.search.hashing import hash64
from fhir.search.internal import DESCRIBES, rows_of_deleted
from fhir.store.stored import DELETE
from fhir.store.tables import CURRENT_VERSION, INDEX_TABLES, index_reference, resource, resource_id, resource_version
from fhir.store.types import NAMES, NUMBERS
from fhir.store.write import PUT, index_rows
from tests.e2e.ledger import Ledger

SETTLES_SECONDS = 20
"""How soon after a start the records that a crash left staged are in the tree."""

_WRITES = {"create", "update", "delete", "transaction"}
_ROW_EPOCH_MILLISECONDS = 1_735_689_600_000

_RESOURCES = select(resource.c.patient_key, resource.c.row, resource.c.type, resource.c.id, resource.c.version)
_VERSIONS = select(
    resource_version.c.patient_key,
    resource_version.c.row,
    func.count(),
    func.min(resource_version.c.version),
    func.max(resource_version.c.version),
).group_by(resource_version.c.patient_key, resource_version.c.row)
_IDS = select(resource_id.c.hash, resource_id.c.patient_key, resource_id.c.row)
_next = resource_version.alias("next")
_BODIES = (
    select(resource_version.c.patient_key, resource_version.c.row, resource_version.c.version, resource_version.c.body)
    .outerjoin(
        _next,
        (_next.c.patient_key == resource_version.c.patient_key)
        & (_next.c.row == resource_version.c.row)
        & (_next.c.version == resource_version.c.version + 1),
    )
    .where(resource_version.c.method != DELETE, func.coalesce(_next.c.method, PUT) != DELETE)
)
"""The current bodies, and those that an update took the place of: pages of searches that began before read them."""
_LAST_BODIES = (
    select(resource.c.patient_key, resource.c.row, resource.c.version, resource_version.c.body)
    .join(
        resource_version,
        (resource_version.c.patient_key == resource.c.patient_key)
        & (resource_version.c.row == resource.c.row)
        & (resource_version.c.version == resource.c.version - 1),
    )
    .where(resource.c.deleted == 1)
)
"""Of what is deleted, the bodies that it had at last: what hides these hides their history."""
_IMAGING_STUDIES = (
    select(*(resource.c[name] for name in ("patient_key", "row", "version", "custodian")), resource_version.c.body)
    .join(resource_version, CURRENT_VERSION)
    .where(resource.c.type == NUMBERS["ImagingStudy"], resource.c.deleted == 0)
)
_STUDIES = select(dicom_study.c.custodian, dicom_study.c.study_instance_uid, dicom_study.c.id)
_INDEX = {table: select(table) for table in INDEX_TABLES}
_NEW_VERSIONS = (
    select(resource.c.type, resource.c.id, resource_version.c.version)
    .join(
        resource,
        (resource_version.c.patient_key == resource.c.patient_key) & (resource_version.c.row == resource.c.row),
    )
    .where(resource_version.c.last_updated >= bindparam("since", type_=BigInteger))
)
_RECORDS = select(audit_record.c.record).where(audit_record.c.row >= bindparam("row", type_=BigInteger))
_SALTS = select(audit_salt.c.patient_key, audit_salt.c.salt)
_PATIENTS = select(resource.c.id, resource.c.patient_key).where(
    resource.c.type == bindparam("patient", type_=Integer), resource.c.patient_key == resource.c.row
)
_STAGED = select(func.count()).select_from(audit_stage)
_COVERED = select(func.coalesce(func.max(audit_checkpoint.c.size), 0))
_LEAVES = select(func.count(), func.count(audit_leaf.c.row.distinct()))
_COUNT = select(func.count()).select_from(audit_record)


def instant() -> int:
    """Return the present as the hub stamps versions: microseconds, cut to milliseconds."""
    return time.time_ns() // 1_000_000 * 1000


@dataclass(slots=True)
class Witness:
    """What an auditor carries from round to round."""

    known: Checkpoint | None = None
    """The last checkpoint that was proved."""


async def _versions(connection: DatabaseConnection) -> list[str]:
    """Every resource has the versions 1 to its current one, and one id."""
    current = {(key, row): version for key, row, _, _, version in await connection.fetch(_RESOURCES, {})}
    versions = {(key, row): (count, low, high) for key, row, count, low, high in await connection.fetch(_VERSIONS, {})}
    wanted = {place: (version, 1, version) for place, version in current.items()}
    found = [
        f"versions: {place} has {versions.get(place)} and should have {wanted.get(place)}"
        for place in wanted.keys() | versions.keys()
        if wanted.get(place) != versions.get(place)
    ]
    named = Counter(tuple(row) for row in await connection.fetch(_IDS, {}))
    ids = Counter(
        (hash64(f"{NAMES[number]}/{id_}"), key, row)
        for key, row, number, id_, _ in await connection.fetch(_RESOURCES, {})
    )
    return found + [f"ids: {one}" for one in (named - ids) + (ids - named)]


async def _index(connection: DatabaseConnection, base_url: str) -> list[str]:
    """The index rows are those of the current bodies, and of what was updated less than a day ago."""
    wanted: dict[str, Counter[tuple[object, ...]]] = {table.name: Counter() for table in INDEX_TABLES}
    for key, row, version, body in await connection.fetch(_BODIES, {}):
        made = extract(parse_resource(bytes(body)), base_url=base_url)
        for table, rows in index_rows(made, key, row, version).items():
            wanted[table.name].update(rows)
    for key, row, version, body in await connection.fetch(_LAST_BODIES, {}):
        kept = rows_of_deleted(parse_resource(bytes(body)))
        for table, rows in index_rows(NO_INDEX._replace(reference=kept), key, row, version).items():
            wanted[table.name].update(rows)
    found = []
    for table, statement in _INDEX.items():
        every = map(tuple, await connection.fetch(statement, {}))
        # Which studies an ImagingStudy tells of follows not from its body alone: `_told` looks at that.
        there = Counter(row for row in every if table is not index_reference or row[0] != DESCRIBES)
        differ = (there - wanted[table.name]) + (wanted[table.name] - there)
        found += [f"index: {table.name} {one}" for one in differ]
    return found


async def _told(connection: DatabaseConnection) -> list[str]:
    """Every ImagingStudy that is no study's own names the study of its site and UID of which there are images."""
    studies: dict[tuple[int, str], list[int]] = {}
    for custodian, uid, row in await connection.fetch(_STUDIES, {}):
        studies.setdefault((custodian, uid), []).append(row)
    wanted = {
        (DESCRIBES, study, key, row, version)
        for key, row, version, custodian, body in await connection.fetch(_IMAGING_STUDIES, {})
        for study in studies.get((custodian, study_uid(parse_resource(bytes(body)))), ())
        if study != row
    }
    there = {tuple(row) for row in await connection.fetch(_INDEX[index_reference], {}) if row[0] == DESCRIBES}
    return [f"told: {one}" for one in wanted - there]


async def _events(connection: DatabaseConnection, settings: Settings, since: int) -> list[Event]:
    """Return the events recorded since an instant."""
    keys, _ = audit_keys(settings)
    salts = {key: bytes(salt) for key, salt in await connection.fetch(_SALTS, {})}
    patients = await connection.fetch(_PATIENTS, {"patient": NUMBERS["Patient"]})
    first = (since // 1000 - _ROW_EPOCH_MILLISECONDS) << 21
    events, salt_of = [], {}
    for (record,) in await connection.fetch(_RECORDS, {"row": first}):
        members = parse(bytes(record))
        if "p" in members and not salt_of:
            year = year_of(members["t"])
            salt_of = {keys.pseudonym("patient", f"Patient/{id_}", year, 1)[0]: salts[key] for id_, key in patients}
        events.append(unseal(bytes(record), keys, salt_of[members["p"]] if "p" in members else None))
    return events


async def _audited(connection: DatabaseConnection, events: Sequence[Event], ledger: Ledger, since: int) -> list[str]:
    """Every version has one record, every record of a write its versions, every disclosure its record."""
    written = Counter(
        entity for event in events if event.interaction in _WRITES and event.outcome == "0" for entity in event.entities
    )
    stowed = [event for event in events if event.interaction == "stow" and event.outcome == "0"]
    # The record of a STOW-RS request names the study; each was new, with a patient of its own.
    written.update(f"{event.patient}/_history/1" for event in stowed)
    new = await connection.fetch(_NEW_VERSIONS, {"since": since})
    studies = [version for number, _, version in new if NAMES[number] == "ImagingStudy"]
    versions = Counter(
        f"{NAMES[number]}/{id_}/_history/{version}" for number, id_, version in new if NAMES[number] != "ImagingStudy"
    )
    found = [f"audit: {one} was written without a record" for one in versions - written]
    found += [f"audit: {one} is recorded and not written" for one in written - versions]
    if studies != [1] * len(stowed):
        found.append(f"audit: {len(stowed)} studies are recorded, the ImagingStudy versions are {studies}")
    asked: dict[str, set[str]] = {}
    for event in events:
        if event.request_id:
            asked.setdefault(event.request_id, set()).update(event.entities)
    for read in ledger.reads:
        if read.request_id not in asked or (read.version and read.version not in asked[read.request_id]):
            found.append(f"audit: {read.request_id} disclosed {read.version} without a record")
    found += [
        f"audit: {deed.request_id} was acknowledged without a record"
        for deed in ledger.deeds
        if deed.outcome == "done" and deed.request_id not in asked
    ]
    return found


async def uncovered(database: Database) -> int:
    """Return how many audit records no signed checkpoint covers."""
    async with database.snapshot() as connection:
        records, covered = [(await connection.fetch(one, {}))[0][0] for one in (_COUNT, _COVERED)]
    return int(records - covered)


async def _settled(database: Database) -> bool:
    deadline = time.monotonic() + SETTLES_SECONDS
    while time.monotonic() < deadline:
        if await uncovered(database) == 0:
            return True
        await asyncio.sleep(0.05)
    return False


async def _tree(database: Database, settings: Settings, witness: Witness) -> list[str]:
    """The whole log is proved, nothing of it is outside the tree, and it goes on from where it was."""
    found = []
    if not await _settled(database):
        found.append("tree: records stay outside")
    _, signer = audit_keys(settings)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "log"
        async with database.snapshot() as connection:
            leaves, rows = (await connection.fetch(_LEAVES, {}))[0]
            records = (await connection.fetch(_COUNT, {}))[0][0]
            staged = (await connection.fetch(_STAGED, {}))[0][0]
        await export(database, folder, signer.verifier)
        verdict = verify_export(folder, signer.verifier, known=witness.known)
        notes = checkpoints(folder)
    if leaves != rows or leaves + staged != records:
        found.append(f"tree: {leaves} leaves of {rows} records; {records} are there, {staged} wait")
    if not verdict.ok:
        return [*found, f"tree: {verdict.message}"]
    witness.known = checkpoint.verify(notes[-1], signer.verifier)
    return found


async def findings(settings: Settings, ledger: Ledger, witness: Witness, *, since: int, index: bool) -> list[str]:
    """Return what does not agree.

    Args:
        settings: Those of the hub.
        ledger: What the clients of this round were told.
        witness: Carried from round to round.
        since: The instant at which the round began, in microseconds.
        index: Whether to make the index rows of all bodies again and compare.
    """
    database = await open_database(settings)
    try:
        found = await _tree(database, settings, witness)
        async with database.snapshot() as connection:
            found += await _versions(connection)
            found += await _told(connection)
            if index:
                found += await _index(connection, f"{settings.address}/fhir")
            found += await _audited(connection, await _events(connection, settings, since), ledger, since)
        return found
    finally:
        await database.close()
