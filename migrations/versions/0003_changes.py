"""Versions in the order of time: the history of types and of the whole hub."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NAMES = ("type", "last_updated", "row", "version", "patient_key")


def upgrade() -> None:
    op.create_table(
        "resource_change",
        sa.Column("last_updated", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("last_updated", "row", "version", "patient_key"),
        sqlite_with_rowid=False,
        comment="Every version in the order of time, of all types and of each: what the history of types is read from",
    )
    op.execute(
        "INSERT INTO resource_change SELECT v.last_updated, v.row, v.version, v.patient_key, r.type "
        "FROM resource_version v JOIN resource r ON r.patient_key = v.patient_key AND r.row = v.row"
    )
    op.create_index("ix_resource_change_type", "resource_change", list(NAMES))


def downgrade() -> None:
    op.drop_table("resource_change")
