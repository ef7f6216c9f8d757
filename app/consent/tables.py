"""The table of grants, which Consents compile to."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, SmallInteger, Table

metadata = MetaData()

SAID = 0
"""The effect of a row that permits and denies nothing: it says that a Consent was recorded."""

PERMIT = 1
DENY = 2

ANY = 0
"""In `discloser`, `receiver`, `recipient`, `author`, `purpose`, `category` and `data`: whichever."""

BUT_IDENTITY = -2
"""In `category`: any but who the person is."""

INSTANCE, RELATED, DEPENDENTS, AUTHORED_BY = 1, 2, 3, 4
"""In `data`: how the row stands to `target`, by the codes of FHIR's ConsentDataMeaning."""

consent_grant = Table(
    "consent_grant",
    metadata,
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    Column("consent", BigInteger, primary_key=True, autoincrement=False),
    Column("rule", Integer, primary_key=True, autoincrement=False),
    Column("depth", SmallInteger, nullable=False),
    Column("last", Integer, nullable=False),
    Column("effect", SmallInteger, nullable=False),
    Column("discloser", Integer, nullable=False),
    Column("receiver", Integer, nullable=False),
    Column("recipient", Integer, nullable=False),
    Column("author", Integer, nullable=False),
    Column("purpose", SmallInteger, nullable=False),
    Column("category", SmallInteger, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("needed", BigInteger, nullable=False),
    Column("data_from", BigInteger, nullable=False),
    Column("data_to", BigInteger, nullable=False),
    Column("begins", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("data", SmallInteger, nullable=False, server_default="0"),
    Column("target", BigInteger, nullable=False, server_default="0"),
    Column("provision", Integer, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
    comment="What may go from which site to which, for whom and why, from when until when",
)
"""`consent` is the row of the Consent; `depth` the nesting of its provision; the rules after this one up to `last` are
those of its exceptions. `opened` are the sensitive labels that a permit opens; `needed` those that a row must have for
the rule to speak of it. `target` is `hash64` of the `Type/id` that `data` is about. `provision` counts the provisions
of the Consent from 0, each before those inside it: which of them a rule comes from."""
