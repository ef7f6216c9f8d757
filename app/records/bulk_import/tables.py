"""The queue of imports, what they could not write, and which ids they gave. Instants are microseconds UTC."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from app.records.jobs.table import queue_table

metadata = MetaData()

import_job = queue_table(
    "import_job",
    metadata,
    "Imports: by which client (none: the command line), what, how far; `until` as in export_job",
)

import_fault = Table(
    "import_fault",
    metadata,
    Column("job", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("file", Integer, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("expression", Text, nullable=False),
    Column("diagnostics", Text, nullable=False),
    comment="Lines that were not written, and why",
)

import_id = Table(
    "import_id",
    metadata,
    Column("custodian", Integer, primary_key=True, autoincrement=False),
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="The row, and so the id, of each resource that could not keep its own; `hash` of source and link",
)
