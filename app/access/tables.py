"""The tables of access. Secrets are kept as digests; instants are microseconds since 1970 UTC."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, SmallInteger, Table, Text, text

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
    Column("kind", Text, nullable=False, server_default=text("'system'")),
    Column("authentication", Text, nullable=False, server_default=text("'private_key_jwt'")),
    Column("secret", Text, nullable=False, server_default=text("''")),
    Column("jwks_url", Text, nullable=False, server_default=text("''")),
    Column("redirects", Text, nullable=False, server_default=text("''")),
    Column("scopes", Text, nullable=False, server_default=text("'system/*.cruds'")),
    Column("launch_url", Text, nullable=False, server_default=text("''")),
    Column("certificate", Text, nullable=False, server_default=text("''")),
    comment="Systems and apps, and how each proves who it is",
)
"""`kind` is `system`, `app` or `resource-server`; `secret` is an argon2 hash; `redirects` are addresses, a line each;
`certificate` is the SHA-256 of a client certificate, as base64url, that the client's tokens are bound to."""

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

app_grant = Table(
    "app_grant",
    metadata,
    Column("key", Text, primary_key=True),
    Column("client", Integer, nullable=False, index=True),
    Column("account", Integer, nullable=False, index=True),
    Column("session", LargeBinary, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("patient_key", BigInteger, nullable=False),
    Column("patient", Text, nullable=False),
    Column("encounter", Text, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False, index=True),
    comment="What a person has allowed an app: whose record, for what; its tokens end with it",
)
"""`session` is the digest of the session that it ends with, empty when it outlives it."""

token_binding = Table(
    "token_binding",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("grant", Text, nullable=False, index=True),
    Column("certificate", Text, nullable=False),
    Column("issued", BigInteger, nullable=False),
    comment="Of an access token: the grant that it ends with, and the client certificate that it is bound to",
)

token_patient = Table(
    "token_patient",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("patient_key", BigInteger, nullable=False),
    Column("patient", Text, nullable=False),
    comment="The Patient that a system's access token is about, when it asked for one alone",
)

image_link = Table(
    "image_link",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("client", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("patient_key", BigInteger, nullable=False),
    Column("patient", Text, nullable=False),
    Column("study", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("opens", Text, nullable=False),
    Column("ends", BigInteger, nullable=False, index=True),
    comment="Links by which a system lets a browser open images, by their SHA-256; each is good once",
)
"""`study` is what alone may be seen, UIDs with blanks between; empty for all of the patient's. `opens` is a page."""

image_session = Table(
    "image_session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("study", Text, nullable=False),
    Column("user", Text, nullable=False),
    comment="Access tokens that a browser holds as a cookie since it came by a link to images, and what they are for",
)

authorization_code = Table(
    "authorization_code",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("grant", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("challenge", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("used", SmallInteger, nullable=False),
    Column("ends", BigInteger, nullable=False, index=True),
    comment="Authorization codes, by their SHA-256; one that comes twice ends its grant",
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("grant", Text, nullable=False, index=True),
    Column("used", SmallInteger, nullable=False),
    Column("ends", BigInteger, nullable=False, index=True),
    comment="Refresh tokens, by their SHA-256; each is good once, and one that comes twice ends its grant",
)

launch = Table(
    "launch",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("organisation", Integer, nullable=False),
    Column("account", Integer, nullable=False),
    Column("client", Integer, nullable=False),
    Column("patient", Text, nullable=False),
    Column("encounter", Text, nullable=False),
    Column("ends", BigInteger, nullable=False, index=True),
    comment="Launches that an EHR has begun, by the SHA-256 of `launch`; 0 for any account or client",
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
