"""Reports and rights: checks of the clock, requests of patients, the end of keeping, entries for somebody else."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def _number(name: str, kind: type[sa.types.TypeEngine] = sa.BigInteger) -> sa.Column:
    return sa.Column(name, kind(), nullable=False)


def _key(name: str, kind: type[sa.types.TypeEngine] = sa.BigInteger) -> sa.Column:
    return sa.Column(name, kind(), autoincrement=False, nullable=False)


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "clock_check",
        _text("host"),
        _key("at"),
        *(_number(name, sa.SmallInteger) for name in ("asked", "answered")),
        *(_number(name) for name in ("drift", "delay")),
        _number("stratum", sa.SmallInteger),
        _number("synchronised", sa.Integer),
        sa.PrimaryKeyConstraint("host", "at"),
        comment="Each machine's clock, checked against NTP servers: how far it was off, in microseconds",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rights_case",
        _key("number"),
        *(_text(name) for name in ("kind", "patient", "requester", "relation")),
        *(_number(name) for name in ("received", "due")),
        _number("extended", sa.SmallInteger),
        *(_text(name) for name in ("proof", "state", "decision", "reason")),
        _number("closed"),
        _number("turn", sa.Integer),
        sa.PrimaryKeyConstraint("number"),
        comment="Requests of patients for disclosure, correction or suspension: how each stands",
    )
    op.create_index("ix_rights_case_patient", "rights_case", ["patient"])
    op.create_table(
        "rights_act",
        _key("number"),
        _key("turn", sa.Integer),
        _number("at"),
        *(_text(name) for name in ("act", "text", "by", "by_title")),
        sa.PrimaryKeyConstraint("number", "turn"),
        comment="What was done in each of these cases, by whom: its history",
    )
    op.create_table(
        "entry",
        _key("number"),
        *(_text(name) for name in ("kind", "about", "patient", "words")),
        _number("organisation", sa.Integer),
        _number("at"),
        *(_text(name) for name in ("by", "by_title", "for_whom", "for_title", "state")),
        _number("decided"),
        _text("remark"),
        sa.PrimaryKeyConstraint("number"),
        comment="What people entered and confirmed: which version, by whom, for whom, and whether that one approved",
    )
    op.create_index("ix_entry_organisation", "entry", ["organisation", "state", "number"])
    op.create_index("ix_entry_for_whom", "entry", ["for_whom", "state", "number"])


def downgrade() -> None:
    for table in ("entry", "rights_act", "rights_case", "clock_check"):
        op.drop_table(table)
