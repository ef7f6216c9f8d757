"""The tables of patients' requests. Nothing in them is removed; instants are microseconds since 1970 UTC, 0 never."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, SmallInteger, Table, Text

metadata = MetaData()

rights_case = Table(
    "rights_case",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("patient", Text, nullable=False, index=True),
    Column("requester", Text, nullable=False),
    Column("relation", Text, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("extended", SmallInteger, nullable=False),
    Column("proof", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("closed", BigInteger, nullable=False),
    Column("turn", Integer, nullable=False),
    comment="Requests of patients for disclosure, correction or suspension: how each stands",
)
"""`patient` is the id of a site's Patient, empty when the hub knows none; `proof` is how it was made sure who asks;
`closed` is the day of the answer; `turn` counts the acts, so that two people do not act on one state."""

rights_act = Table(
    "rights_act",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("turn", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("act", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("by_title", Text, nullable=False),
    comment="What was done in each of these cases, by whom: its history",
)
