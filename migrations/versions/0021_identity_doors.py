"""The identity doors: whose an identifier domain is, and what sources call their Patients."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "identifier_domain",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("system"),
        sqlite_with_rowid=False,
        comment="Systems of identifiers that one organisation gives, by the first of their forms",
    )
    op.create_table(
        "feed_name",
        sa.Column("custodian", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("custodian", "name"),
        sqlite_with_rowid=False,
        comment="What a site's feed calls a resource (`Patient/1`), to the id that it has here",
    )


def downgrade() -> None:
    op.drop_table("feed_name")
    op.drop_table("identifier_domain")
