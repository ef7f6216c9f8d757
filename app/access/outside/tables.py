"""The tables of sign-in by an outside provider."""

from sqlalchemy import Column, Integer, LargeBinary, Table, Text

from app.access.tables import metadata

outside_identity = Table(
    "outside_identity",
    metadata,
    Column("account", Integer, primary_key=True, autoincrement=False),
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    comment="Who an account is at the provider, from the first sign-in on: names are given again, subjects are not",
)

outside_session = Table(
    "outside_session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sid", Text, nullable=False),
    Column("factors", Text, nullable=False),
    comment="Sessions that an outside provider has begun, by the digest of `session`, so that it can end them",
)
