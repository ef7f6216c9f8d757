"""The table of studies that are to be described: a row is written in the transaction of the instance."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

metadata = MetaData()

dicom_undescribed = Table(
    "dicom_undescribed",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("study", BigInteger, primary_key=True, autoincrement=False, comment="id of the dicom_study"),
    Column("custodian", Integer, nullable=False),
    Column("study_instance_uid", Text, nullable=False),
    Column("since", BigInteger, nullable=False, comment="microseconds since 1970 UTC"),
    Index("ix_dicom_undescribed_since", "since"),
    sqlite_with_rowid=False,
    comment="Studies that have grown and whose ImagingStudy does not say so yet",
)
