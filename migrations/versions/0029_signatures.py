"""What is known of the signatures of documents."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_table(
        "signature_check",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=False),
        sa.Column("verdicts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("patient_key", "row", "version"),
        comment="Of each version that carries signatures what they are, as JSON; not looked at while `checked` is 0",
    )
    op.create_index(
        "ix_signature_check_pending",
        "signature_check",
        ["row"],
        sqlite_where=sa.text("checked = 0"),
        postgresql_where=sa.text("checked = 0"),
    )


def downgrade() -> None:
    op.drop_table("signature_check")
