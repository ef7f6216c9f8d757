"""ATNA: events of other systems, how far the log is handed on, the settings of the last start."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def _instant(name: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    row = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "received_event",
        sa.Column("row", row, autoincrement=False, nullable=False),
        sa.Column("organisation", sa.Integer(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        _instant("recorded"),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row"),
        comment=(
            "Audit events of other systems: whose, how they came, when they say it happened, and the sealed message"
        ),
    )
    op.create_index("ix_received_event_organisation", "received_event", ["organisation"])
    op.create_index("ix_received_event_recorded", "received_event", ["recorded"])
    op.create_table(
        "received_index",
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("kind", "hash", "row"),
        comment="Whom received events name: 64 bits of HMACs, nothing else",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_forward",
        sa.Column("destination", sa.Text(), nullable=False),
        *(_instant(name) for name in ("leaf", "until", "failing")),
        sa.PrimaryKeyConstraint("destination"),
        comment="How far each receiver has the log: its next leaf; who is at work until when; since when it fails",
    )
    op.create_table(
        "known_setting",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="The settings of the last start; of a secret an HMAC",
    )
    _forbid_change("received_event")


def _forbid_change(table: str) -> None:
    """Let nobody alter what was received; removing it is retention's, and its digest stays in the log."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_unaltered BEFORE UPDATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION renkei_append_only()"
        )
        return
    op.execute(
        f"CREATE TRIGGER {table}_unaltered BEFORE UPDATE ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'what was received is not altered'); END"
    )


def downgrade() -> None:
    for table in ("known_setting", "audit_forward", "received_index", "received_event"):
        op.drop_table(table)
