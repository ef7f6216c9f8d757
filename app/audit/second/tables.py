"""The table of what the log lacked and the second log had."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from app.audit.tables import metadata

audit_taken_up = Table(
    "audit_taken_up",
    metadata,
    Column("row", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("taken", BigInteger, nullable=False),
    Column("how", Text, nullable=False),
    comment="Entries of the second log that the log lacked: taken up (an access), or not done (an act)",
)
