"""The tables of imaging: study, series, instance; the packed metadata of series; what was deleted.

Each row of the first three carries the fixed columns, because visibility is a condition on each table by itself.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Dates, times and UIDs are compared as they are spelt, on both databases."""

_REFERENCE = text("source IS NOT NULL")

NAME_GROUPS = ("alphabetic", "ideographic", "phonetic")

_VISIBLE_BY = ("custodian", "author", "category", "labels", "clinical_date")


def _fixed() -> list[Column[int]]:
    """Return the columns that visibility speaks of."""
    return [
        Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("custodian", Integer, nullable=False),
        Column("author", Integer, nullable=False),
        Column("category", SmallInteger, nullable=False),
        Column("labels", BigInteger, nullable=False),
        Column("clinical_date", BigInteger, nullable=False, comment="microseconds since 1970 UTC"),
        Column("stored", BigInteger, nullable=False, comment="microseconds since 1970 UTC"),
    ]


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, _TEXT, nullable=False) for name in names]


def _name(name: str) -> list[Column[str]]:
    """Return the columns of a person name: the groups as written, and as they are compared."""
    return _texts(*(f"{name}_{group}" for group in NAME_GROUPS), *(f"{name}_{group}_folded" for group in NAME_GROUPS))


def _words(name: str) -> Column[str]:
    """Return the column of a person name's words, for fuzzy matching."""
    return Column(
        f"{name}_words", _TEXT, nullable=False, server_default=text("''"), comment="made by dicom.names.words"
    )


def _numbers(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=True) for name in names]


TOLD_BEFORE = 0o111111111
"""`told` of a study of which an earlier release did not note by whom: each fact may give way to an image's."""


def _told(before: int) -> Column[int]:
    """Return the column that says by whom each fact was told; `before` is in rows of releases that did not note it."""
    return Column(
        "told", BigInteger, nullable=False, server_default=text(str(before)), comment="by whom: dicom.store.told"
    )


dicom_study = Table(
    "dicom_study",
    metadata,
    *_fixed(),
    *_texts("study_instance_uid", "study_date", "study_time", "accession_number"),
    *_name("referring_physician_name"),
    *_texts("timezone_offset_from_utc", "study_description"),
    *_name("patient_name"),
    *_texts("patient_id", "issuer_of_patient_id", "patient_birth_date", "patient_sex", "study_id"),
    _words("referring_physician_name"),
    _words("patient_name"),
    _told(TOLD_BEFORE),
    UniqueConstraint("patient_key", "custodian", "study_instance_uid"),
    Index("dicom_study_uid", "study_instance_uid", "custodian"),
    Index("dicom_study_date", "study_date", "study_time"),
    Index("dicom_study_patient_id", "patient_id"),
    Index("dicom_study_accession_number", "accession_number"),
    sqlite_with_rowid=False,
)

dicom_series = Table(
    "dicom_series",
    metadata,
    *_fixed(),
    Column("study", BigInteger, nullable=False, comment="id of the dicom_study of the same patient_key"),
    *_texts("series_instance_uid", "modality", "series_description", "series_date", "series_time"),
    *_texts("body_part_examined", "laterality"),
    *_texts("performed_procedure_step_start_date", "performed_procedure_step_start_time"),
    *_numbers("series_number"),
    _told(0o1111111),
    UniqueConstraint("patient_key", "study", "series_instance_uid"),
    Index("dicom_series_uid", "series_instance_uid"),
    sqlite_with_rowid=False,
)

dicom_instance = Table(
    "dicom_instance",
    metadata,
    *_fixed(),
    Column("study", BigInteger, nullable=False, comment="id of the dicom_study of the same patient_key"),
    Column("series", BigInteger, nullable=False, comment="id of the dicom_series of the same patient_key"),
    # The UIDs of what is above stand here again, so that a frame is found by one look at one table.
    *_texts("study_instance_uid", "series_instance_uid", "sop_instance_uid", "sop_class_uid"),
    *_numbers("instance_number", "number_of_frames", "rows", "columns", "bits_allocated"),
    *_texts("digest", "transfer_syntax_uid"),
    Column("size", BigInteger, nullable=False, comment="bytes of the blob"),
    Column("pixel_offset", BigInteger, nullable=True, comment="bytes from the start of the blob"),
    Column("pixel_length", BigInteger, nullable=True, comment="bytes"),
    Column("frames", LargeBinary, nullable=True, comment="packed by dicom.frame_table"),
    Column("model", LargeBinary, nullable=False, comment="DICOM JSON, UTF-8, BulkDataURIs relative"),
    Column("source", BigInteger, nullable=True, comment="who has the bytes of a reference; NULL: they are kept here"),
    Column("described", BigInteger, nullable=True, comment="when the source gave the whole header of a reference"),
    UniqueConstraint("patient_key", "custodian", "sop_instance_uid"),
    Index("dicom_instance_uid", "sop_instance_uid", "custodian"),
    Index("dicom_instance_study_uid", "study_instance_uid"),
    Index("dicom_instance_source", "source", "patient_key", "id", sqlite_where=_REFERENCE, postgresql_where=_REFERENCE),
    # These two cover what visibility asks, so that counting does not touch the rows, which are large.
    Index("dicom_instance_series", "patient_key", "series", *_VISIBLE_BY),
    Index("dicom_instance_study", "patient_key", "study", "series", *_VISIBLE_BY),
)

dicom_series_metadata = Table(
    "dicom_series_metadata",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("series", BigInteger, primary_key=True, autoincrement=False, comment="id of the dicom_series"),
    Column("tag", Text, nullable=False, comment="names the instances that it tells of, by their digests in order"),
    Column("packed", LargeBinary, nullable=False, comment="DICOM JSON, UTF-8, gzip"),
    ForeignKeyConstraint(
        ["patient_key", "series"], ["dicom_series.patient_key", "dicom_series.id"], ondelete="CASCADE"
    ),
    comment="What WADO-RS tells of a whole series, made when it was first asked for; it may be gone at any time",
)

dicom_deleted = Table(
    "dicom_deleted",
    metadata,
    Column("custodian", Integer, primary_key=True, autoincrement=False),
    Column("sop_instance_uid", _TEXT, primary_key=True),
    *_texts("study_instance_uid", "digest"),
    Column("labels", BigInteger, nullable=False),
    Column("deleted", BigInteger, nullable=False, comment="microseconds since 1970 UTC"),
    Index("dicom_deleted_study", "custodian", "study_instance_uid"),
    comment="Instances that their custodian deleted: what hid a study hides it when it is sent again",
    sqlite_with_rowid=False,
)
