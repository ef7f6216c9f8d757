"""Search parameters beside R4's: what they mean, how far they are indexed, and what wants them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "search_parameter",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("since", "until", "at_updated", "at_row", "done")
        ),
        sa.PrimaryKeyConstraint("number"),
        comment="Search parameters beside R4's, of one resource type each; index rows hold their numbers",
    )
    op.create_table(
        "search_parameter_source",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", "source"),
        comment="What a search parameter is wanted by: a SearchParameter resource, or a package",
    )


def downgrade() -> None:
    op.drop_table("search_parameter_source")
    op.drop_table("search_parameter")
