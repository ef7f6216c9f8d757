"""The link from a site's Patient to the person; linking moves no record."""

from sqlalchemy import BigInteger, Column, Index, MetaData, Table

metadata = MetaData()

person_patient = Table(
    "person_patient",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("person", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="Which person each site's Patient is; small, and the same everywhere",
)

Index("ix_person_patient_person", person_patient.c.person, person_patient.c.patient_key)
