"""Links by which a system lets a browser open images, and the tokens that come of them."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "image_link",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("client", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("patient_key", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("patient", "study", "user", "opens")),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="Links by which a system lets a browser open images, by their SHA-256; each is good once",
    )
    op.create_index("ix_image_link_ends", "image_link", ["ends"])
    op.create_table(
        "image_session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("study", "user")),
        sa.PrimaryKeyConstraint("digest"),
        comment="Access tokens that a browser holds as a cookie since it came by a link to images, and what they are for",
    )


def downgrade() -> None:
    for table in ("image_session", "image_link"):
        op.drop_table(table)
