"""References are followed both ways, texts are looked up by their resource, and elements have rows of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BY_ROW = ("index_string", "index_reference")


def upgrade() -> None:
    op.create_index("ix_resource_id_row", "resource_id", ["patient_key", "row"])
    for table in BY_ROW:
        op.create_index(f"ix_{table}_row", table, ["patient_key", "row", "parameter"])
    op.create_table(
        "index_composite",
        sa.Column("parameter", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("element", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("second", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lo", sa.Float(), autoincrement=False, nullable=False),
        sa.Column("hi", sa.Float(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("parameter", "hash", "patient_key", "row", "version", "element", "second", "lo", "hi"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("index_composite")
    for table in BY_ROW:
        op.drop_index(f"ix_{table}_row", table)
    op.drop_index("ix_resource_id_row", "resource_id")
