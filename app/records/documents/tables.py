"""The tables of documents: which version of each holds, what was taken from it, and who else says the same.

They can be made again from the Bundles. Instants are microseconds since 1970 UTC, 0 for never.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, SmallInteger, Table, Text

metadata = MetaData()

document = Table(
    "document",
    metadata,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("custodian", Integer, nullable=False),
    Column("patient_key", BigInteger, nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("holds", SmallInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("instant", BigInteger, nullable=False),
    Column("withdrawn", BigInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("provenance", Text, nullable=False),
    comment="Documents by custodian and Bundle.identifier: which version is the newest, and whether it holds",
)
"""`hash` is of custodian, system and value; `row` is the Bundle's, 0 for a document that was deleted before it came.
`number` and `instant` are its edition (`fhir/documents/edition.py`); what was made up to `withdrawn` holds no more.
`reference` and `provenance` are the ids of its DocumentReference and of its Provenance, empty where it has none."""

Index("ix_document_row", document.c.patient_key, document.c.row)

document_entry = Table(
    "document_entry",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("document", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("row", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="Which resource each entry of a document that holds stands for; `document` is the row of the Bundle",
)

Index("ix_document_entry_row", document_entry.c.patient_key, document_entry.c.row)

document_fact = Table(
    "document_fact",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    sqlite_with_rowid=False,
    comment="The resource by which a patient's fact is known, and the version of it that documents have made",
)
"""`hash` is of what the fact is known by (`fhir/documents/identity.py`). A resource whose current version is another
was written by its site itself; documents point at it, and neither change nor withdraw it. `version` is 0 for one that
no document has made."""

Index("ix_document_fact_row", document_fact.c.patient_key, document_fact.c.row)
