"""The tables of the audit log. Records and leaves are only ever added; the migrations forbid anything else."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

metadata = MetaData()

audit_record = Table(
    "audit_record",
    metadata,
    Column("row", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("record", LargeBinary, nullable=False),
    comment="Sealed records; durable is disclosed",
)

audit_stage = Table(
    "audit_stage",
    metadata,
    Column("row", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    comment="Records that wait for their place in the tree",
)

audit_leaf = Table(
    "audit_leaf",
    metadata,
    Column("leaf", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("row", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    comment="The tree's leaves in order: which record, and SHA-256(0x00 || record)",
)

audit_index = Table(
    "audit_index",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    comment="Who and whom: 64 bits of HMACs, nothing else",
)

audit_tree = Table(
    "audit_tree",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    comment="One row: the tree's size and its right edge",
)

audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("signed", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    comment="Signed checkpoints (C2SP tlog-checkpoint)",
)

audit_salt = Table(
    "audit_salt",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
    comment="The salt of each patient's detail key; erasing it erases the details",
)

KINDS = {"patient": 1, "user": 2, "organisation": 3, "client": 4, "custodian": 5}
"""The numbers of `audit_index.kind`."""
