"""WADO-RS: the instances of a study, of a series, or one, that the reader may see.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select

from dicom.json_model import instance_path
from dicom.store.connection import Connection, Visibility
from dicom.store.statements import statement
from dicom.store.tables import dicom_instance


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """A stored instance: where its blob is, and where in the blob its pixels are."""

    patient_key: int
    id: int
    custodian: int
    clinical_date: int
    """Microseconds since 1970 UTC."""
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    digest: str
    size: int
    """Bytes of the blob."""
    number_of_frames: int | None
    pixel_offset: int | None
    """Bytes from the start of the blob; None without pixels, or when the blob is deflated."""
    pixel_length: int | None
    frames: bytes | None
    """For `dicom.frame_table.frame_place`."""
    source: int | None = None
    """Who has the bytes of a reference, of which nothing but its UIDs is sure; None when they are kept here."""

    @property
    def path(self) -> str:
        """Where it is found, relative to the root of the DICOMweb service."""
        return instance_path(self.study_instance_uid, self.series_instance_uid, self.sop_instance_uid)


class ModelRow(NamedTuple):
    """The DICOM JSON of a stored instance, with what tells it from another custodian's copy."""

    patient_key: int
    id: int
    custodian: int
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    source: int | None
    """Who has the bytes of a reference; None when they are kept here."""
    described: int | None
    """When the source gave the whole header of a reference."""
    digest: str
    model: bytes
    """UTF-8, BulkDataURIs relative to the service's root."""


class ListedRow(NamedTuple):
    """An instance as a list of its study names it."""

    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    instance_number: int | None


class DigestRow(NamedTuple):
    """What tells a stored instance from others, without its DICOM JSON."""

    patient_key: int
    custodian: int
    series: int
    """The row in dicom_series."""
    study_instance_uid: str
    sop_instance_uid: str
    digest: str


_ROW = tuple(dicom_instance.c[field].name for field in InstanceRow.__dataclass_fields__)


async def read_instances(
    connection: Connection,
    visibility: Visibility,
    study_instance_uid: str,
    series_instance_uid: str | None = None,
    sop_instance_uid: str | None = None,
) -> list[InstanceRow]:
    """Return the visible instances, by series and number; those of several custodians side by side.

    Args:
        connection: Where to look.
        visibility: What may be seen.
        study_instance_uid: The study.
        series_instance_uid: One series of it, or None for all.
        sop_instance_uid: One instance of the series, or None for all.
    """
    rows = await _fetch(connection, visibility, _ROW, study_instance_uid, series_instance_uid, sop_instance_uid)
    return [InstanceRow(*row) for row in rows]


async def read_models(
    connection: Connection,
    visibility: Visibility,
    study_instance_uid: str,
    series_instance_uid: str | None = None,
    sop_instance_uid: str | None = None,
    *,
    sop_class_uid: str | None = None,
) -> list[ModelRow]:
    """Return the rendered DICOM JSON of the same instances that `read_instances` returns, or of one class."""
    named = (study_instance_uid, series_instance_uid, sop_instance_uid, sop_class_uid)
    rows = await _fetch(connection, visibility, ModelRow._fields, *named)
    return [ModelRow(*row)._replace(model=bytes(row[-1])) for row in rows]


async def read_listed(connection: Connection, visibility: Visibility, study_instance_uid: str) -> list[ListedRow]:
    """Return what names the visible instances of a study, by series and number."""
    rows = await _fetch(connection, visibility, ListedRow._fields, study_instance_uid, None, None)
    return [ListedRow(*row) for row in rows]


async def read_digests(
    connection: Connection, visibility: Visibility, study_instance_uid: str, series_instance_uid: str
) -> list[DigestRow]:
    """Return the digests of the visible instances of a series, in the order of `read_models`."""
    rows = await _fetch(connection, visibility, DigestRow._fields, study_instance_uid, series_instance_uid, None)
    return [DigestRow(*row) for row in rows]


async def _fetch(
    connection: Connection,
    visibility: Visibility,
    columns: tuple[str, ...],
    study: str,
    series: str | None,
    instance: str | None,
    sop_class: str | None = None,
) -> Any:
    asked = {"study_instance_uid": study, "series_instance_uid": series, "sop_instance_uid": instance}
    asked |= {"sop_class_uid": sop_class}
    values = {name: uid for name, uid in asked.items() if uid is not None}
    names = tuple(values)
    built = statement(("read", columns, names, visibility.shape), lambda: _select(columns, names, visibility))
    return await connection.fetch(built, {**visibility.values, **values})


def _select(columns: tuple[str, ...], names: tuple[str, ...], visibility: Visibility) -> Select[Any]:
    instance = dicom_instance.alias("instance")
    return (
        select(*(instance.c[column] for column in columns))
        .where(*(instance.c[name] == bindparam(name) for name in names), visibility.condition(instance))
        .order_by(
            instance.c.series_instance_uid,
            instance.c.instance_number.is_(None),
            instance.c.instance_number,
            instance.c.sop_instance_uid,
            instance.c.custodian,
            instance.c.id,
        )
    )
