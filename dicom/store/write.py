"""Storing an instance: its study and series are made when they are new, nothing is ever overwritten.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Insert, Select, Update, bindparam, insert, select, update

from dicom.failures import DUPLICATE_SOP_INSTANCE, IdentityConflict, InvalidInstance
from dicom.indexing import Facts, indexed
from dicom.json_model import render
from dicom.part10 import Instance
from dicom.store.connection import Connection
from dicom.store.delete import deleted_labels
from dicom.store.refer import settle_reference
from dicom.store.tables import dicom_instance, dicom_series, dicom_study
from dicom.store.told import (
    REVISE_SERIES,
    REVISE_STUDY,
    SERIES,
    SERIES_ROW,
    STUDY,
    STUDY_ROW,
    Word,
    columns_of,
    is_image,
    ranked,
    tell_series,
    tell_study,
)


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
    revised: bool = False
    """Whether the study is new, or is told of otherwise than before."""


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
    "study_instance_uid": (STUDY_ROW, _INSERT_STUDY),
    "series_instance_uid": (SERIES_ROW, _INSERT_SERIES),
    "sop_instance_uid": (_INSTANCE, _INSERT_INSTANCE),
}
"""How it is asked what a custodian has of a UID, and how a row is made: `dicom.store.batch` does both for many."""

REVISIONS: Mapping[str, Update] = {"study_instance_uid": REVISE_STUDY, "series_instance_uid": REVISE_SERIES}
"""What changes a row that is there, by the UID that it binds as `k_uid`."""


def extract(instance: Instance) -> Extracted:
    """Return what the tables keep of an instance: the work of a store that needs no transaction."""
    facts = indexed(instance)
    return Extracted(facts, _instance_columns(instance, facts))


async def whose_study(connection: Connection, custodian: int, study_instance_uid: str) -> tuple[int, str] | None:
    """Return patient_key and Patient ID of a study that a custodian has, or None."""
    rows = await connection.fetch(STUDY_ROW, {"uid": study_instance_uid, "custodian": custodian})
    return (rows[0][0], rows[0][3]) if rows else None


async def study_labels(connection: Connection, custodian: int, study_instance_uid: str) -> int:
    """Return the labels, as bits, of a study that a custodian has, or has had and deleted."""
    rows = await connection.fetch(STUDY_ROW, {"uid": study_instance_uid, "custodian": custodian})
    return await deleted_labels(connection, custodian, study_instance_uid) | (int(rows[0][2]) if rows else 0)


async def whose_instance(connection: Connection, custodian: int, sop_instance_uid: str) -> tuple[int, str] | None:
    """Return patient_key and digest of an instance that a custodian has; None when it has none, or a reference."""
    rows = await connection.fetch(_INSTANCE, {"uid": sop_instance_uid, "custodian": custodian})
    names = [column.name for column in _INSTANCE.selected_columns]
    if not rows or rows[0][names.index("source")] is not None:
        return None
    return int(rows[0][0]), str(rows[0][names.index("digest")])


async def whose_uid(connection: Connection, custodian: int, uid: str) -> int | None:
    """Return the patient_key of a study or series that a custodian has, or None."""
    for statement in (STUDY_ROW, SERIES_ROW):
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
            the labels of a study and a series that exist are added to the instance's, whose clinical date is that of
            its study.
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
    facts, columns = extracted.facts, extracted.columns
    about = facts.instance
    of_image = is_image(about.sop_class_uid, about.rows, columns["source"], columns["described"])
    word = Word(facts, fixed.clinical_date, of_image)
    found = await _one(connection, _INSTANCE, fixed, facts.instance.sop_instance_uid)
    if found is not None:
        await _again(connection, fixed, extracted, digest, found)
        moved, revised = await settle_reference(
            connection, word, extracted.columns, found, custodian=fixed.custodian, digest=digest, size=size
        )
        return StoredInstance(Outcome.MOVED if moved else Outcome.UNCHANGED, found[1], found[4], facts, revised)
    # Whatever can be refused is refused before the first row is written.
    known_study = await _study(connection, fixed, facts)
    known_series = await _series(connection, fixed, facts, None if known_study is None else known_study[1])
    row = asdict(fixed) | {"stored": now}
    study, revised = await _in_study(connection, row, word, known_study, new_row)
    series = await _in_series(connection, row, word, known_series, new_row, study=study)
    row |= {"id": new_row(), "study": study, "series": series, "digest": digest, "size": size}
    await connection.execute(_INSERT_INSTANCE, {**row, **extracted.columns})
    return StoredInstance(Outcome.CREATED, row["id"], study, facts, revised)


async def _in_study(
    connection: Connection, row: dict[str, Any], word: Word, known: Sequence[Any] | None, new_row: Callable[[], int]
) -> tuple[int, bool]:
    """Return the row of a study, made if it is not there, and whether it is told of otherwise now.

    `row` has the instance's fixed columns, which become what the study's are.
    """
    about = word.facts.study
    if known is not None:
        revised, row["clinical_date"] = await tell_study(connection, word, known)
        row["labels"] |= known[2]
        return int(known[1]), revised
    row["labels"] |= await deleted_labels(connection, row["custodian"], about.study_instance_uid)
    told, _ = ranked(STUDY, about, 0, of_image=word.of_image)
    values = {**row, "id": new_row(), "told": told, "patient_id": about.patient_id}
    values["study_instance_uid"] = about.study_instance_uid
    await connection.execute(_INSERT_STUDY, values | columns_of(STUDY, about))
    return values["id"], True


async def _in_series(
    connection: Connection,
    row: dict[str, Any],
    word: Word,
    known: Sequence[Any] | None,
    new_row: Callable[[], int],
    *,
    study: int,
) -> int:
    """Return the row of a series, made if it is not there; `row` as for the study."""
    if known is not None:
        await tell_series(connection, word, known)
        row["labels"] |= known[3]
        return int(known[1])
    told, _ = ranked(SERIES, word.facts.series, 0, of_image=word.of_image)
    values = {**row, "id": new_row(), "study": study, "told": told, **asdict(word.facts.series)}
    await connection.execute(_INSERT_SERIES, values)
    return int(values["id"])


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


async def _study(connection: Connection, fixed: FixedColumns, facts: Facts) -> Sequence[Any] | None:
    """Return the row of the study, if it is there."""
    found = await _one(connection, STUDY_ROW, fixed, facts.study.study_instance_uid)
    if found is not None and found[0] != fixed.patient_key:
        raise _of_another("Study Instance UID", facts.study.study_instance_uid, found[0])
    return found


async def _series(connection: Connection, fixed: FixedColumns, facts: Facts, study: int | None) -> Sequence[Any] | None:
    """Return the row of the series, if it is there."""
    found = await _one(connection, SERIES_ROW, fixed, facts.series.series_instance_uid)
    if found is not None and found[0] != fixed.patient_key:
        raise _of_another("Series Instance UID", facts.series.series_instance_uid, found[0])
    if found is not None and found[2] != study:
        raise _conflict("Series Instance UID")
    return found


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


def _conflict(what: str) -> InvalidInstance:
    return InvalidInstance(f"the {what} is in use for other content or another parent", DUPLICATE_SOP_INSTANCE)


def _of_another(what: str, uid: str, patient_key: int) -> IdentityConflict:
    return IdentityConflict(f"the {what} is in use for another patient", uid, patient_key)
