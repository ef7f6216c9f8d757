"""How far the log has been handed on."""

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

metadata = MetaData()

audit_forward = Table(
    "audit_forward",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("leaf", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("failing", BigInteger, nullable=False),
    comment="How far each receiver has the log: its next leaf; who is at work until when; since when it fails",
)
"""Instants are microseconds since 1970 UTC; `failing` is 0 when it does not."""
