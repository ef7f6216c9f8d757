"""HL7 v2 by MLLP: its sources, what came, and what was answered."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

TABLES = ("mllp_source", "mllp_answer", "mllp_message", "mllp_newest")


def upgrade() -> None:
    op.create_table(
        "mllp_source",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("facility", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
        comment="Who sends HL7 v2 messages: a client of a site, by its address and its certificate",
    )
    op.create_table(
        "mllp_answer",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("control_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "control_id"),
        sqlite_with_rowid=False,
        comment="Acknowledgements of messages that were carried out: one that is sent again is not done twice",
    )
    op.create_index("ix_mllp_answer_answered", "mllp_answer", ["answered"])
    op.create_table(
        "mllp_message",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("custodian", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("control_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("charset", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("written", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("patient_key", "row"),
        comment="Each message that was carried out, as it came, and what was written for it",
    )
    op.create_table(
        "mllp_newest",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("identity", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("happened", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("patient_key", "identity"),
        sqlite_with_rowid=False,
        comment="When what messages last said of something happened, so that a late one overwrites nothing newer",
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
