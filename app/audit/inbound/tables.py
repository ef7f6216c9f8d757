"""The tables of audit events that other systems sent."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

metadata = MetaData()

received_event = Table(
    "received_event",
    metadata,
    Column("row", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("organisation", Integer, nullable=False, index=True),
    Column("client", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("recorded", BigInteger, nullable=False, index=True),
    Column("digest", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    comment="Audit events of other systems: whose, how they came, when they say it happened, and the sealed message",
)
"""`form` is `fhir` or `syslog`; `digest` is the SHA-256 of what was sent, which the hub's own log names."""

received_index = Table(
    "received_index",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    comment="Whom received events name: 64 bits of HMACs, nothing else",
)

KINDS = {"patient": 1, "agent": 2}
"""The numbers of `received_index.kind`."""
