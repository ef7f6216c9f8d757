"""The tables of the MLLP door: who may send from where, what came, and what was answered."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

mllp_source = Table(
    "mllp_source",
    metadata,
    Column("name", Text, primary_key=True),
    Column("client", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("application", Text, nullable=False),
    Column("facility", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    sqlite_with_rowid=False,
    comment="Who sends HL7 v2 messages: a client of a site, by its address and its certificate",
)
"""`network` is an address or a network; `certificate` the SHA-256 of a client certificate as base64url, `subject` its
subject; `application` and `facility` are MSH-3.1 and MSH-4.1. What is empty is not asked for."""

mllp_answer = Table(
    "mllp_answer",
    metadata,
    Column("source", Text, primary_key=True),
    Column("control_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("answered", BigInteger, nullable=False, index=True),
    Column("answer", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    comment="Acknowledgements of messages that were carried out: one that is sent again is not done twice",
)
"""`digest` is the SHA-256 of the message, `answered` microseconds since 1970 UTC."""

mllp_message = Table(
    "mllp_message",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("custodian", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("control_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("charset", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("written", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="Each message that was carried out, as it came, and what was written for it",
)
"""`written` is a JSON array of `Type/id`, what was there already included; `digest` the SHA-256 of `body`."""

mllp_newest = Table(
    "mllp_newest",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("identity", BigInteger, primary_key=True, autoincrement=False),
    Column("happened", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    comment="When what messages last said of something happened, so that a late one overwrites nothing newer",
)
"""`identity` is hash64 of what is meant; `happened` microseconds since 1970 UTC."""
