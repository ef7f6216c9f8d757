"""The tables of the auditor's desk. Instants are microseconds since 1970 UTC, 0 for never.

Whom a flag is about is not in them: a flag leads to a record of the log, which says it as long as its details are
there. What is counted is counted by HMACs.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, SmallInteger, Table, Text

metadata = MetaData()

audit_review = Table(
    "audit_review",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("every", Text, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("ended_by", Text, nullable=False),
    comment="Saved reviews: what is asked, how often, since when, and whether it goes on",
)
"""`question` is a query string; `every` is `weekly` or `monthly`."""

audit_sign_off = Table(
    "audit_sign_off",
    metadata,
    Column("review", BigInteger, primary_key=True, autoincrement=False),
    Column("until", BigInteger, primary_key=True, autoincrement=False),
    Column("since", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("remark", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("by", "by_title")),
    comment="Reviews that were done: from when until when, how long the log was then, by whom, and the remarks",
)

audit_flag = Table(
    "audit_flag",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("record", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("patient_hash", BigInteger, nullable=False),
    Column("user_hash", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("closed", BigInteger, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("closed_by", "closed_by_title", "remark")),
    comment="What was unusual: of which kind, in which record of the log, why, and who has looked into it",
)
"""`reason` is JSON: counts, limits, hours, codes; nothing of a record. A hash is 0 for nobody."""

Index("ix_audit_flag_closed", audit_flag.c.closed, audit_flag.c.number)
Index("ix_audit_flag_kind", audit_flag.c.kind, audit_flag.c.number)
Index("ix_audit_flag_user", audit_flag.c.user_hash, audit_flag.c.number)
Index("ix_audit_flag_patient", audit_flag.c.patient_hash, audit_flag.c.number)

audit_noticed = Table(
    "audit_noticed",
    metadata,
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("object", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    comment="Pairs that were noticed on a day, as 64 bits of HMACs: who saw whom, whom who saw, what was flagged",
)
"""`day` counts days in Japan since 1970; 0 for what is kept for good: who has seen records of which site."""

Index("ix_audit_noticed_day", audit_noticed.c.day)

audit_failure = Table(
    "audit_failure",
    metadata,
    Column("row", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    comment="Records of what was refused or failed",
)

audit_watch = Table(
    "audit_watch",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("leaf", BigInteger, nullable=False),
    comment="One row: the leaf of the log that is looked at next for the unusual",
)

watched_patient = Table(
    "watched_patient",
    metadata,
    Column("patient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("added", BigInteger, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("added_by", "why")),
    comment="Patients whom the secretariat has put on its list: each access to their persons is flagged",
)

account_patient = Table(
    "account_patient",
    metadata,
    Column("account", Integer, primary_key=True, autoincrement=False),
    Column("patient_key", BigInteger, nullable=False),
    Column("linked", BigInteger, nullable=False),
    Column("linked_by", Text, nullable=False),
    comment="Whose person a patient's account is, by the word of the secretariat",
)
