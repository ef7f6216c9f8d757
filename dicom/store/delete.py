"""Deleting instances: their rows go, and those of the series and study that are left empty; a tombstone stays.

What hid a study hides it when it is sent again: its labels are kept with the tombstone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Integer, bindparam, delete, exists, insert, select

from dicom.store.connection import Connection
from dicom.store.read import InstanceRow
from dicom.store.retell import Dated, retell
from dicom.store.series_metadata import forget_packed
from dicom.store.tables import dicom_deleted, dicom_instance, dicom_series, dicom_study

_KEY = bindparam("k_patient", type_=BigInteger)
_CUSTODIAN = bindparam("k_custodian", type_=Integer)

_OF_CUSTODIAN = select(
    *(dicom_instance.c[name] for name in ("patient_key", "id", "study", "series", "labels", "digest")),
).where(dicom_instance.c.sop_instance_uid == bindparam("k_uid"), dicom_instance.c.custodian == _CUSTODIAN)
_DELETE = delete(dicom_instance).where(
    dicom_instance.c.patient_key == _KEY, dicom_instance.c.id == bindparam("k_id", type_=BigInteger)
)
_EMPTY_SERIES = delete(dicom_series).where(
    dicom_series.c.patient_key == _KEY,
    dicom_series.c.study == bindparam("k_study", type_=BigInteger),
    ~exists().where(
        dicom_instance.c.patient_key == dicom_series.c.patient_key, dicom_instance.c.series == dicom_series.c.id
    ),
)
_EMPTY_STUDY = delete(dicom_study).where(
    dicom_study.c.patient_key == _KEY,
    dicom_study.c.id == bindparam("k_study", type_=BigInteger),
    ~exists().where(dicom_series.c.patient_key == dicom_study.c.patient_key, dicom_series.c.study == dicom_study.c.id),
)
_BURY = insert(dicom_deleted).values({column.name: bindparam(column.name) for column in dicom_deleted.c})
_UNEARTH = delete(dicom_deleted).where(
    dicom_deleted.c.custodian == _CUSTODIAN, dicom_deleted.c.sop_instance_uid == bindparam("k_uid")
)
_LABELS = select(dicom_deleted.c.labels).where(
    dicom_deleted.c.custodian == _CUSTODIAN, dicom_deleted.c.study_instance_uid == bindparam("k_uid")
)


async def deleted_labels(connection: Connection, custodian: int, study_instance_uid: str) -> int:
    """Return the labels, as bits, of what a custodian has deleted of a study; a study that comes back keeps them."""
    labels = 0
    for (some,) in await connection.fetch(_LABELS, {"k_custodian": custodian, "k_uid": study_instance_uid}):
        labels |= int(some)
    return labels


@dataclass(slots=True)
class Deleted:
    """What a deletion took away."""

    studies: dict[tuple[int, int], None] = field(default_factory=dict)
    """The (patient key, row) of each study that has lost something; whether it is still there is not said."""
    blobs: list[tuple[str, str]] = field(default_factory=list)
    """Digest and SOPInstanceUID of each instance whose bytes were kept, as it was in that moment."""


async def delete_instances(connection: Connection, rows: Sequence[InstanceRow], *, now: int, dated: Dated) -> Deleted:
    """Delete instances of one custodian, in the caller's write transaction; what is left tells of its study anew.

    Args:
        connection: In a transaction that no other writer of the custodian shares.
        rows: What is deleted; what is gone already is passed over.
        now: Microseconds since 1970 UTC.
        dated: Gives the clinical date of a study.
    """
    gone = Deleted()
    all_series: dict[tuple[int, int], None] = {}
    for row in rows:
        found = await connection.fetch(_OF_CUSTODIAN, {"k_custodian": row.custodian, "k_uid": row.sop_instance_uid})
        for patient_key, id_, study, series, labels, digest in found:
            if (patient_key, id_) != (row.patient_key, row.id):
                continue
            await connection.execute(_DELETE, {"k_patient": patient_key, "k_id": id_})
            gone.studies[patient_key, study] = None
            if digest:
                gone.blobs.append((digest, row.sop_instance_uid))
            all_series[patient_key, series] = None
            # Deleted, sent again and deleted again: the labels of both times count.
            await connection.execute(_UNEARTH, {"k_custodian": row.custodian, "k_uid": row.sop_instance_uid})
            values = {
                "custodian": row.custodian,
                "sop_instance_uid": row.sop_instance_uid,
                "study_instance_uid": row.study_instance_uid,
                "digest": digest,
                "labels": labels,
                "deleted": now,
            }
            await connection.execute(_BURY, values)
    for patient_key, series in all_series:
        await forget_packed(connection, patient_key, series)
    for patient_key, study in gone.studies:
        await connection.execute(_EMPTY_SERIES, {"k_patient": patient_key, "k_study": study})
        await connection.execute(_EMPTY_STUDY, {"k_patient": patient_key, "k_study": study})
        await retell(connection, patient_key, study, dated)
    return gone
