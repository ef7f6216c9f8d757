"""The queue of exports, and their files. Instants are whole microseconds since 1970 UTC."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, SmallInteger, Table, Text

metadata = MetaData()

WAITING, DONE, FAILED = 0, 1, 2

export_job = Table(
    "export_job",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False, index=True),
    Column("state", SmallInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("step", Integer, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("position", Text, nullable=False),
    comment="Exports that were asked for: by whom, what, how far; `until` is when whoever works on one loses it",
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
