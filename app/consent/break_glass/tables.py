"""The tables of break-glass. Nothing in them is removed; instants are microseconds since 1970 UTC, 0 for never."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

metadata = MetaData()

OPEN, ASKED, ANSWERED, JUSTIFIED, NOT_JUSTIFIED, TOLD = (
    "open",
    "asked",
    "answered",
    "justified",
    "not-justified",
    "told",
)
"""How a case stands at a site: waits for a verdict, for an answer, for a verdict after one; closed, by two verdicts; or
the site was told, and others give the verdict."""

WAITING = (OPEN, ASKED, ANSWERED)
"""States of a case that is not closed."""

break_glass = Table(
    "break_glass",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("holder", LargeBinary, nullable=False, index=True),
    Column("patient_key", BigInteger, nullable=False),
    Column("patient", Text, nullable=False),
    Column("organisation", Integer, nullable=False),
    Column("account", Integer, nullable=False),
    Column("client", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("user_title", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("begun", BigInteger, nullable=False, index=True),
    Column("ends", BigInteger, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("ended_by", Text, nullable=False),
    comment="Cases of break-glass: who, for whose record, why, from when until when",
)
"""`holder` is the digest of the session or of the token that it opens records for; `ended` is before `ends`."""

break_glass_site = Table(
    "break_glass_site",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("organisation", Integer, primary_key=True, autoincrement=False),
    Column("discloses", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("seen_by", Text, nullable=False),
    comment="Whom a case was told: the sites whose records it opens, and the secretariat; and how it stands there",
)

Index("ix_break_glass_site_organisation", break_glass_site.c.organisation, break_glass_site.c.number)

break_glass_remark = Table(
    "break_glass_remark",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("organisation", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("act", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("by_title", Text, nullable=False),
    comment="What was asked, answered and decided about a case at a site, by whom",
)

break_glass_right = Table(
    "break_glass_right",
    metadata,
    Column("account", Integer, primary_key=True, autoincrement=False),
    Column("granted", BigInteger, nullable=False),
    Column("granted_by", Text, nullable=False),
    comment="Nurses and pharmacists whom the head of their site lets break the glass",
)
