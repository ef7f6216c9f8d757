"""Imports: the queue, what could not be written, and the ids that were given."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "import_job",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("custodian", sa.Integer(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Imports: by which client (none: the command line), for which site, how far; `until` as in export_job",
    )
    op.create_index("ix_import_job_ends", "import_job", ["ends"])
    op.create_table(
        "import_fault",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("file", sa.Integer(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("diagnostics", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job", "number"),
        comment="Lines that were not written, and why",
    )
    op.create_table(
        "import_id",
        sa.Column("custodian", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("custodian", "hash"),
        sqlite_with_rowid=False,
        comment="The row, and so the id, of each resource that could not keep its own; `hash` of source and link",
    )


def downgrade() -> None:
    op.drop_table("import_id")
    op.drop_table("import_fault")
    op.drop_table("import_job")
