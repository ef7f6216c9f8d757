"""The tables of access. Secrets are kept as digests; instants are microseconds since 1970 UTC."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

metadata = MetaData()

organisation = Table(
    "organisation",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("slug", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("resource_id", Text, nullable=False, unique=True),
    comment="Sites and offices; `key` is the custodian of rows, `resource_id` the Organization of the directory",
)

client = Table(
    "client",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("organisation", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("jwks", Text, nullable=False),
    Column("disabled", SmallInteger, nullable=False),
    comment="Systems, which sign in with a key of theirs (private_key_jwt)",
)

account = Table(
    "account",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("organisation", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("must_change", SmallInteger, nullable=False),
    Column("disabled", SmallInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("waits_until", BigInteger, nullable=False),
    comment="People, one account each",
)

session = Table(
    "session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("account", Integer, nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    comment="Sessions of people; the cookie's SHA-256",
)

token = Table(
    "token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("client", Integer, nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("ends", BigInteger, nullable=False, index=True),
    comment="Access tokens of systems; the token's SHA-256",
)

assertion = Table(
    "assertion",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("ends", BigInteger, nullable=False, index=True),
    comment="Client assertions that were used, by the SHA-256 of client and jti, until they expire",
)

epoch = Table(
    "epoch",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    comment="Counters: `access` grows with every change of rights; `process` numbers the processes",
)
