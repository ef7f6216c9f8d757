"""The queue of imports, what they could not write, and which ids they gave. Instants are microseconds UTC."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, SmallInteger, Table, Text

metadata = MetaData()

import_job = Table(
    "import_job",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client", Text, nullable=False),
    Column("custodian", Integer, nullable=False),
    Column("request", Text, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False, index=True),
    Column("state", SmallInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("position", Text, nullable=False),
    comment="Imports: by which client (none: the command line), for which site, how far; `until` as in export_job",
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
