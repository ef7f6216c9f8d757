"""The tables of people beside their accounts: standing, requests for rights, second factors, steps of a sign-in.

Secrets are digests or sealed; instants are microseconds since 1970 UTC, 0 for never.
"""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

metadata = MetaData()

FOR_EVER = 2**62
"""The end of what has no end."""

standing = Table(
    "standing",
    metadata,
    Column("account", Integer, primary_key=True, autoincrement=False),
    Column("head", SmallInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("confirmed", BigInteger, nullable=False),
    Column("confirmed_by", Text, nullable=False),
    Column("password_ends", BigInteger, nullable=False),
    Column("signed_in", BigInteger, nullable=False),
    Column("signed_in_before", BigInteger, nullable=False),
    Column("missed", Integer, nullable=False),
    comment="How an account stands: whether its person heads the site, until when, confirmed when and by whom",
)

right_request = Table(
    "right_request",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("organisation", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("head", SmallInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("state", Text, nullable=False, index=True),
    *(
        column
        for act in ("requested", "granted", "confirmed", "refused")
        for column in (
            Column(act, BigInteger, nullable=False),
            Column(f"{act}_by", Text, nullable=False),
            Column(f"{act}_why", Text, nullable=False),
        )
    ),
    comment="Requests for rights, and who granted, confirmed or refused each, when and why; none is ever removed",
)

second_factor = Table(
    "second_factor",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Integer, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("credential", LargeBinary, nullable=False, index=True),
    Column("secret", LargeBinary, nullable=False),
    Column("counter", BigInteger, nullable=False),
    comment="Passkeys (public key), one-time passwords (sealed secret, last step), temporary codes (digest)",
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("account", Integer, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, primary_key=True),
    Column("made", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    comment="Recovery codes by their digest",
)

sign_in_step = Table(
    "sign_in_step",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("account", Integer, nullable=False, index=True),
    Column("ends", BigInteger, nullable=False),
    comment="Sign-ins whose password was right and whose second factor is awaited; the cookie's SHA-256",
)

used_challenge = Table(
    "used_challenge",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("ends", BigInteger, nullable=False, index=True),
    comment="Challenges that a passkey has answered, until they expire",
)

session_origin = Table(
    "session_origin",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("network", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("factors", Text, nullable=False),
    comment="Where a session was begun, and by which factors",
)
