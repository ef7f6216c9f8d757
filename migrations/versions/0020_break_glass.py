"""Break-glass: cases, whom they were told, what was remarked, and who may beside doctors; tokens about one patient."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "break_glass",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("patient_key", sa.BigInteger(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Integer(), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("client", "user", "user_title", "role", "code", "reason")
        ),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("begun", "ends", "ended")),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        comment="Cases of break-glass: who, for whose record, why, from when until when",
    )
    for column in ("holder", "begun"):
        op.create_index(f"ix_break_glass_{column}", "break_glass", [column])
    op.create_table(
        "break_glass_site",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("discloses", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("seen_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", "organisation"),
        comment="Whom a case was told: the sites whose records it opens, and the secretariat; and how it stands there",
    )
    op.create_index("ix_break_glass_site_organisation", "break_glass_site", ["organisation", "number"])
    op.create_table(
        "break_glass_remark",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("act", "text", "by", "by_title")),
        sa.PrimaryKeyConstraint("number", "organisation", "at"),
        comment="What was asked, answered and decided about a case at a site, by whom",
    )
    op.create_table(
        "break_glass_right",
        sa.Column("account", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
        comment="Nurses and pharmacists whom the head of their site lets break the glass",
    )
    op.create_table(
        "token_patient",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("patient_key", sa.BigInteger(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        comment="The Patient that a system's access token is about, when it asked for one alone",
    )


def downgrade() -> None:
    for table in ("token_patient", "break_glass_right", "break_glass_remark", "break_glass_site", "break_glass"):
        op.drop_table(table)
