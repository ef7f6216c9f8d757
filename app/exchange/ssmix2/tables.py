"""The files of SS-MIX2 stores as they came, and which resources each became."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

metadata = MetaData()

ssmix2_file = Table(
    "ssmix2_file",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("name", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("custodian", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("flag", SmallInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("charset", Text, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="Each file as it came; `name` is hash64 of its name without the flag, `number` counts what came under it",
)
"""`digest` is the SHA-256 of `body`; of a content folder `body` is empty, for its files are Binaries."""

ssmix2_entry = Table(
    "ssmix2_entry",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, nullable=False),
    Column("type", SmallInteger, nullable=False),
    Column("occurred", BigInteger, nullable=False),
    Column("name", BigInteger, nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("content", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="Which resource an identifier means, and which file wrote it last; `hash` of type, system and value",
)
"""`occurred` is 発生日時 as 17 digits, `slot` of what replaces what, `content` of the resource as it was mapped.

A resource that a file only names has slot 0.
"""
