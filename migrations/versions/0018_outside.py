"""Sign-in by an outside provider: who an account is there, and the sessions that it has begun."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "outside_identity",
        sa.Column("account", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "issuer"),
        comment="Who an account is at the provider, from the first sign-in on: names are given again, subjects are not",
    )
    op.create_table(
        "outside_session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("factors", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="Sessions that an outside provider has begun, by the digest of `session`, so that it can end them",
    )


def downgrade() -> None:
    op.drop_table("outside_session")
    op.drop_table("outside_identity")
