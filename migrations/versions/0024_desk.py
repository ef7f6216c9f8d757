"""The auditor's desk: reviews, flags, what is noticed, failures, whose account; and the leaf of a record."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

TABLES = (
    *("account_patient", "watched_patient", "audit_watch", "audit_failure", "audit_noticed", "audit_flag"),
    *("audit_sign_off", "audit_review"),
)


def _key(name: str, type_: type[sa.types.TypeEngine]) -> sa.Column:
    return sa.Column(name, type_(), autoincrement=False, nullable=False)


def _instants(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _texts(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _forbid_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION renkei_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'what was signed off stays'); END"
        )


def _reviews() -> None:
    op.create_table(
        "audit_review",
        _key("number", sa.BigInteger),
        *_texts("title", "question", "every"),
        *_instants("made"),
        *_texts("made_by"),
        *_instants("ended"),
        *_texts("ended_by"),
        sa.PrimaryKeyConstraint("number"),
        comment="Saved reviews: what is asked, how often, since when, and whether it goes on",
    )
    op.create_table(
        "audit_sign_off",
        _key("review", sa.BigInteger),
        _key("until", sa.BigInteger),
        *_instants("since", "size"),
        *_texts("remark"),
        *_instants("at"),
        *_texts("by", "by_title"),
        sa.PrimaryKeyConstraint("review", "until"),
        comment="Reviews that were done: from when until when, how long the log was then, by whom, and the remarks",
    )


def _flags() -> None:
    op.create_table(
        "audit_flag",
        _key("number", sa.BigInteger),
        *_texts("kind"),
        *_instants("record", "recorded", "patient_hash", "user_hash"),
        *_texts("reason"),
        *_instants("closed"),
        *_texts("closed_by", "closed_by_title", "remark"),
        sa.PrimaryKeyConstraint("number"),
        comment="What was unusual: of which kind, in which record of the log, why, and who has looked into it",
    )
    for name, column in (("closed", "closed"), ("kind", "kind"), ("user", "user_hash"), ("patient", "patient_hash")):
        op.create_index(f"ix_audit_flag_{name}", "audit_flag", [column, "number"])
    op.create_table(
        "audit_noticed",
        _key("kind", sa.SmallInteger),
        _key("subject", sa.BigInteger),
        _key("day", sa.Integer),
        _key("object", sa.BigInteger),
        sa.PrimaryKeyConstraint("kind", "subject", "day", "object"),
        comment="Pairs that were noticed on a day, as 64 bits of HMACs: who saw whom, whom who saw, what was flagged",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_noticed_day", "audit_noticed", ["day"])


def upgrade() -> None:
    _reviews()
    _flags()
    op.create_table(
        "audit_failure",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("row"),
        comment="Records of what was refused or failed",
    )
    op.create_table(
        "audit_watch",
        _key("id", sa.SmallInteger),
        *_instants("leaf"),
        sa.PrimaryKeyConstraint("id"),
        comment="One row: the leaf of the log that is looked at next for the unusual",
    )
    op.create_table(
        "watched_patient",
        _key("patient_key", sa.BigInteger),
        *_instants("added"),
        *_texts("added_by", "why"),
        sa.PrimaryKeyConstraint("patient_key"),
        comment="Patients whom the secretariat has put on its list: each access to their persons is flagged",
    )
    op.create_table(
        "account_patient",
        _key("account", sa.Integer),
        *_instants("patient_key", "linked"),
        *_texts("linked_by"),
        sa.PrimaryKeyConstraint("account"),
        comment="Whose person a patient's account is, by the word of the secretariat",
    )
    op.create_index("ix_audit_leaf_row", "audit_leaf", ["row"])
    _forbid_changes("audit_sign_off")


def downgrade() -> None:
    op.drop_index("ix_audit_leaf_row", "audit_leaf")
    for table in TABLES:
        op.drop_table(table)
