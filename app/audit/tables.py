"""The tables of the audit log. Records and leaves are only ever added; the migrations forbid anything else."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

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

Index("ix_audit_leaf_row", audit_leaf.c.row)
"""Where in the tree a record is."""

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

audit_node = Table(
    "audit_node",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    comment="Roots of full tiles: 256 to the power of `level` leaves each, so that a proof reads few rows",
)

audit_succession = Table(
    "audit_succession",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    comment="By which key each signing key named the next, as signed notes",
)

audit_cosignature = Table(
    "audit_cosignature",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("signed", BigInteger, nullable=False),
    Column("line", Text, nullable=False),
    sqlite_with_rowid=False,
    comment="What witnesses signed beside a checkpoint, by the text form of their keys",
)

audit_timestamp = Table(
    "audit_timestamp",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("stamped", BigInteger, nullable=False),
    Column("token", LargeBinary, nullable=False),
    comment="Time stamps (RFC 3161) of the texts of checkpoints: the answers of an authority, as received",
)

audit_expired = Table(
    "audit_expired",
    metadata,
    Column("leaf", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("row", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    comment="Up to which leaf records were removed by retention, and the highest of their rows; the leaves stay",
)

audit_pointer = Table(
    "audit_pointer",
    metadata,
    Column("hash", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("pointer", LargeBinary, nullable=False),
    comment="From an HMAC of a patient to the patient's key, encrypted; empty once the patient's details were erased",
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
