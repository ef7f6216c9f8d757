"""The tables of the identity doors: whose an identifier domain is, and what sources call their Patients."""

from sqlalchemy import Column, Integer, MetaData, Table, Text

metadata = MetaData()

identifier_domain = Table(
    "identifier_domain",
    metadata,
    Column("system", Text, primary_key=True),
    Column("organisation", Integer, nullable=False),
    sqlite_with_rowid=False,
    comment="Systems of identifiers that one organisation gives, by the first of their forms",
)

feed_name = Table(
    "feed_name",
    metadata,
    Column("custodian", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("id", Text, nullable=False),
    sqlite_with_rowid=False,
    comment="What a site's feed calls a resource (`Patient/1`), to the id that it has here",
)
