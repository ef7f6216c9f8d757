"""The table of blobs that are kept: what is counted, collected and backed up."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

metadata = MetaData()

blob = Table(
    "blob",
    metadata,
    Column("custodian", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="Blobs by custodian and SHA-256 (64 hexadecimal digits); `size` in bytes",
)
