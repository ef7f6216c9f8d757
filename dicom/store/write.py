"""Storing an instance: its study and series are made when they are new, nothing is ever overwritten.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Insert, Select, bindparam, insert, select, update

from dicom.failures import DUPLICATE_SOP_INSTANCE, IdentityConflict, InvalidInstance
from dicom.indexing import Facts, indexed
from dicom.json_model import render
from dicom.names import PersonName, folded, words
from dicom.part10 import Instance
from dicom.store.connection import Connection
from dicom.store.delete import deleted_labels
from dicom.store.refer import settle_reference
from dicom.store.tables import NAME_GROUPS, dicom_instance, dicom_series, dicom_study


class Outcome(StrEnum):
    """What storing did."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    """The same bytes were there already, from the same custodian."""
    MOVED = "moved"
    """There was a reference to it; its bytes are kept now."""


@dataclass(frozen=True, slots=True)
class FixedColumns:
    """Whose the instance is and how it may be seen; decided by the caller, never by the data set."""

    patient_key: int
    custodian: int
    author: int
    category: int
    labels: int
    """A set of bits."""
    clinical_date: int
    """Microseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What the tables keep of an instance; its bytes are not needed any more."""

    facts: Facts
    columns: Mapping[str, Any]
    """Of dicom_instance: where the pixels lie, and the DICOM JSON."""


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """The answer to a store."""

    outcome: Outcome
    id: int
    """The row in dicom_instance."""
    study: int
    """The row in dicom_study."""
    facts: Facts


_STUDY = select(*(dicom_study.c[name] for name in ("patient_key", "id", "labels", "patient_id"))).where(
    dicom_study.c.study_instance_uid == bindparam("uid"), dicom_study.c.custodian == bindparam("custodian")
)
_SERIES = select(dicom_series.c.patient_key, dicom_series.c.id, dicom_series.c.study, dicom_series.c.labels).where(
    dicom_series.c.series_instance_uid == bindparam("uid"), dicom_series.c.custodian == bindparam("custodian")
)
_INSTANCE = select(
    *(dicom_instance.c[name] for name in ("patient_key", "id", "digest", "labels", "study", "source", "described")),
    *(dicom_instance.c[name] for name in ("study_instance_uid", "series_instance_uid")),
).where(
    dicom_instance.c.sop_instance_uid == bindparam("uid"),
    dicom_instance.c.custodian == bindparam("custodian"),
)
_RAISE_LABELS = (
    update(dicom_instance)
    .where(dicom_instance.c.patient_key == bindparam("key"), dicom_instance.c.id == bindparam("row"))
    .values(labels=bindparam("raised"))
)
_INSERT_STUDY = insert(dicom_study).values({column.name: bindparam(column.name) for column in dicom_study.c})
_INSERT_SERIES = insert(dicom_series).values({column.name: bindparam(column.name) for column in dicom_series.c})
_INSERT_INSTANCE = insert(dicom_instance).values({column.name: bindparam(column.name) for column in dicom_instance.c})


LOOKUPS: Mapping[str, tuple[Select[*tuple[Any, ...]], Insert]] = {
    "study_instance_uid": (_STUDY, _INSERT_STUDY),
    "series_instance_uid": (_SERIES, _INSERT_SERIES),
    "sop_instance_uid": (_INSTANCE, _INSERT_INSTANCE),
}
"""How it is asked what a custodian has of a UID, and how a row is made: `dicom.store.batch` does both for many."""


def extract(instance: Instance) -> Extracted:
    """Return what the tables keep of an instance: the work of a store that needs no transaction."""
    facts = indexed(instance)
    return Extracted(facts, _instance_columns(instance, facts))


async def whose_study(connection: Connection, custodian: int, study_instance_uid: str) -> tuple[int, str] | None:
    """Return patient_key and Patient ID of a study that a custodian has, or None."""
    rows = await connection.fetch(_STUDY, {"uid": study_instance_uid, "custodian": custodian})
    return (rows[0][0], rows[0][3]) if rows else None


async def whose_instance(connection: Connection, custodian: int, sop_instance_uid: str) -> tuple[int, str] | None:
    """Return patient_key and digest of an instance that a custodian has; None when it has none, or a reference."""
    rows = await connection.fetch(_INSTANCE, {"uid": sop_instance_uid, "custodian": custodian})
    names = [column.name for column in _INSTANCE.selected_columns]
    if not rows or rows[0][names.index("source")] is not None:
        return None
    return int(rows[0][0]), str(rows[0][names.index("digest")])


async def whose_uid(connection: Connection, custodian: int, uid: str) -> int | None:
    """Return the patient_key of a study or series that a custodian has, or None."""
    for statement in (_STUDY, _SERIES):
        rows = await connection.fetch(statement, {"uid": uid, "custodian": custodian})
        if rows:
            return int(rows[0][0])
    return None


async def store_instance(
    connection: Connection,
    fixed: FixedColumns,
    instance: Instance | Extracted,
    *,
    digest: str,
    size: int,
    now: int,
    new_row: Callable[[], int],
) -> StoredInstance:
    """Store an instance whose blob is already kept, in the caller's write transaction.

    Args:
        connection: In a transaction that no other writer of the custodian shares.
        fixed: The columns visibility speaks of. Study and series are given the same when they are new;
            the labels of a study and a series that exist are added to the instance's.
        instance: What `read_instance` made of the blob, or what `extract` made of that.
        digest: Names the blob.
        size: Bytes of the blob.
        now: Microseconds since 1970 UTC.
        new_row: Gives ids of new rows, 63 bits.

    Raises:
        InvalidInstance: The custodian has the instance with other bytes, or its instance or series under
            another parent; an IdentityConflict, when it has instance, series or study under another patient.
            Nothing has been written then.
    """
    extracted = instance if isinstance(instance, Extracted) else extract(instance)
    facts = extracted.facts
    found = await _one(connection, _INSTANCE, fixed, facts.instance.sop_instance_uid)
    if found is not None:
        await _again(connection, fixed, extracted, digest, found)
        moved = await settle_reference(connection, fixed.custodian, extracted, found, digest=digest, size=size)
        return StoredInstance(Outcome.MOVED if moved else Outcome.UNCHANGED, found[1], found[4], facts)
    # Whatever can be refused is refused before the first row is written.
    study, study_labels = await _study(connection, fixed, facts)
    series, series_labels = await _series(connection, fixed, facts, study)
    row = asdict(fixed) | {"stored": now}
    if study is None:
        row["labels"] |= await deleted_labels(connection, fixed.custodian, facts.study.study_instance_uid)
        study = new_row()
        await connection.execute(_INSERT_STUDY, {**row, "id": study, **_study_columns(facts)})
    row["labels"] |= study_labels
    if series is None:
        series = new_row()
        values = {**row, "id": series, "study": study, **asdict(facts.series)}
        await connection.execute(_INSERT_SERIES, values)
    row["labels"] |= series_labels
    row |= {"id": new_row(), "study": study, "series": series, "digest": digest, "size": size}
    await connection.execute(_INSERT_INSTANCE, {**row, **extracted.columns})
    return StoredInstance(Outcome.CREATED, row["id"], study, facts)


async def _again(
    connection: Connection, fixed: FixedColumns, extracted: Extracted, digest: str, found: Sequence[Any]
) -> None:
    """Check that an instance that is there already is the same; labels it has newly got are added."""
    patient_key, row_id, known_digest, labels, _, source, _, *parents = found
    # A reference says nothing of bytes: neither the one that is there, nor one to what is kept.
    differs = source is None and extracted.columns.get("source") is None and known_digest != digest
    stated = [extracted.facts.study.study_instance_uid, extracted.facts.series.series_instance_uid]
    if differs or parents != stated:
        raise _conflict("SOP Instance UID")
    if patient_key != fixed.patient_key:
        raise _of_another("SOP Instance UID", parents[0], patient_key)
    if fixed.labels & ~labels:
        values = {"key": patient_key, "row": row_id, "raised": labels | fixed.labels}
        await connection.execute(_RAISE_LABELS, values)


async def _study(connection: Connection, fixed: FixedColumns, facts: Facts) -> tuple[int | None, int]:
    """Return row and labels of the study, if it is there."""
    found = await _one(connection, _STUDY, fixed, facts.study.study_instance_uid)
    if found is None:
        return None, 0
    patient_key, row_id, labels, _ = found
    if patient_key != fixed.patient_key:
        raise _of_another("Study Instance UID", facts.study.study_instance_uid, patient_key)
    return row_id, labels


async def _series(
    connection: Connection, fixed: FixedColumns, facts: Facts, study: int | None
) -> tuple[int | None, int]:
    """Return row and labels of the series, if it is there."""
    found = await _one(connection, _SERIES, fixed, facts.series.series_instance_uid)
    if found is None:
        return None, 0
    patient_key, row_id, its_study, labels = found
    if patient_key != fixed.patient_key:
        raise _of_another("Series Instance UID", facts.series.series_instance_uid, patient_key)
    if its_study != study:
        raise _conflict("Series Instance UID")
    return row_id, labels


async def _one(connection: Connection, statement: Any, fixed: FixedColumns, uid: str) -> Sequence[Any] | None:
    rows = await connection.fetch(statement, {"uid": uid, "custodian": fixed.custodian})
    return rows[0] if rows else None


def _instance_columns(instance: Instance, facts: Facts) -> dict[str, Any]:
    pixels = instance.pixels
    # Offsets into inflated bytes say nothing about the blob.
    placed = pixels if instance.file.as_received else None
    return asdict(facts.instance) | {
        "study_instance_uid": instance.study_instance_uid,
        "series_instance_uid": instance.series_instance_uid,
        "transfer_syntax_uid": instance.file.transfer_syntax.uid,
        "pixel_offset": placed.element.offset if placed else None,
        "pixel_length": placed.element.length if placed else None,
        "frames": placed.frames.pack() if placed else None,
        "number_of_frames": pixels.image.number_of_frames if pixels else facts.instance.number_of_frames,
        "model": render(instance),
        "source": None,
        "described": None,
    }


def _study_columns(facts: Facts) -> dict[str, Any]:
    columns = asdict(facts.study)
    for name in ("patient_name", "referring_physician_name"):
        del columns[name]
        columns |= _name_columns(name, getattr(facts.study, name))
    return columns


def _name_columns(name: str, value: PersonName) -> dict[str, str]:
    groups = dict(zip(NAME_GROUPS, (value.alphabetic, value.ideographic, value.phonetic), strict=True))
    return (
        {f"{name}_{group}": text for group, text in groups.items()}
        | {f"{name}_{group}_folded": folded(text) for group, text in groups.items()}
        | {f"{name}_words": words(value)}
    )


def _conflict(what: str) -> InvalidInstance:
    return InvalidInstance(f"the {what} is in use for other content or another parent", DUPLICATE_SOP_INSTANCE)


def _of_another(what: str, uid: str, patient_key: int) -> IdentityConflict:
    return IdentityConflict(f"the {what} is in use for another patient", uid, patient_key)
