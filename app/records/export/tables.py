"""The queue of exports, and their files."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from app.records.jobs.table import queue_table

metadata = MetaData()

export_job = queue_table(
    "export_job",
    metadata,
    "Exports that were asked for: by whom, what, how far; `until` is when whoever works on one loses it",
)

export_file = Table(
    "export_file",
    metadata,
    Column("job", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("custodian", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    comment="Files of an export: blobs that say where the resources lie, never what they hold",
)
