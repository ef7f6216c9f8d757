"""The tables of entries. Nothing in them is removed; instants are microseconds since 1970 UTC, 0 for never."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

metadata = MetaData()

CONFIRMED, WAITS, APPROVED, DECLINED = "confirmed", "waits", "approved", "declined"
"""States: who is responsible entered it; it was entered for somebody, who has not approved it; has; or has declined."""

entry = Table(
    "entry",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("patient", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("organisation", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("by_title", Text, nullable=False),
    Column("for_whom", Text, nullable=False),
    Column("for_title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided", BigInteger, nullable=False),
    Column("remark", Text, nullable=False),
    comment="What people entered and confirmed: which version, by whom, for whom, and whether that one approved",
)
"""`about` names what was made, with its version: `Consent/4711/_history/1`; `words` is what was shown; `for_whom` is
the account of the responsible person, empty when that is who entered it."""

Index("ix_entry_organisation", entry.c.organisation, entry.c.state, entry.c.number)
Index("ix_entry_for_whom", entry.c.for_whom, entry.c.state, entry.c.number)
