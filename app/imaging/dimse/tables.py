"""The tables of the DIMSE door: which application is which client, and what it asked to be told of."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

dicom_node = Table(
    "dicom_node",
    metadata,
    Column("name", Text, primary_key=True),
    Column("client", Text, nullable=False),
    Column("title", Text, nullable=False, comment="AE title"),
    Column("network", Text, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("host", Text, nullable=False, comment="where the hub calls it; empty for nowhere"),
    Column("port", Integer, nullable=False),
    Column("secured", Integer, nullable=False, comment="1 for TLS when the hub calls it"),
    sqlite_with_rowid=False,
    comment="DICOM applications: a client of a site, by AE title and by address or certificate",
)
"""`network` is an address or a network; `certificate` the SHA-256 of a client certificate as base64url, `subject` its
subject. What is empty is not asked for."""

storage_commitment = Table(
    "storage_commitment",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("node", Text, nullable=False),
    Column("custodian", Integer, nullable=False),
    Column("transaction_uid", Text, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("next", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("referenced", LargeBinary, nullable=False, comment="UTF-8 lines: class, a space, instance"),
    Index("ix_storage_commitment_next", "next"),
    sqlite_with_rowid=False,
    comment="Storage commitments that were asked for and are not reported yet",
)
"""`asked` and `next`, when the report is tried again, are microseconds since 1970 UTC."""
