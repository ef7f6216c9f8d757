"""The patient index: keys by which Patients are looked for, pairs to be decided, and the history of persons."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def _pairs(name: str, comment: str, *columns: sa.Column[object]) -> None:
    """Make a table of pairs of Patients."""
    op.create_table(
        name,
        _key("one"),
        _key("other"),
        *columns,
        sa.PrimaryKeyConstraint("one", "other"),
        sqlite_with_rowid=False,
        comment=comment,
    )
    op.create_index(f"ix_{name}_other", name, ["other", "one"])


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "identity_key",
        _key("hash"),
        _key("patient_key"),
        sa.PrimaryKeyConstraint("hash", "patient_key"),
        sqlite_with_rowid=False,
        comment="Under which hashes a Patient is looked for by those that may be the same person",
    )
    op.create_index("ix_identity_key_patient", "identity_key", ["patient_key", "hash"])
    _pairs(
        "identity_pair",
        "Pairs of Patients for a person to look at, `one` the smaller key; the queue is those that are open",
        sa.Column("grade", sa.SmallInteger(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        *_texts("evidence"),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        *_texts("actor", "reason"),
    )
    op.create_index("ix_identity_pair_state", "identity_pair", ["state", "grade", "score"])
    _pairs(
        "identity_never",
        "Pairs of Patients, `one` the smaller key, that are known to be different persons",
        sa.Column("at", sa.BigInteger(), nullable=False),
        *_texts("actor", "reason"),
    )
    op.create_table(
        "identity_event",
        _key("id"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.SmallInteger(), nullable=False),
        sa.Column("one", sa.BigInteger(), nullable=False),
        sa.Column("other", sa.BigInteger(), nullable=False),
        *_texts("actor", "reason", "evidence"),
        sa.Column("undone", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="What was done to persons, by whom, why; `one` and `other` are Patients, `undone` the event that undid it",
    )
    op.create_index("ix_identity_event_one", "identity_event", ["one", "id"])
    op.create_index("ix_identity_event_other", "identity_event", ["other", "id"])
    op.create_table(
        "identity_move",
        _key("event"),
        _key("patient_key"),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event", "patient_key"),
        sqlite_with_rowid=False,
        comment="Which Patients an event made those of another person, and of which before",
    )
    op.create_index("ix_identity_move_patient", "identity_move", ["patient_key", "event"])
    op.create_index("ix_identity_move_after", "identity_move", ["after", "event"])
    op.create_index("ix_identity_move_before", "identity_move", ["before", "event"])


def downgrade() -> None:
    for table in ("identity_move", "identity_event", "identity_never", "identity_pair", "identity_key"):
        op.drop_table(table)
