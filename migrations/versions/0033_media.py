"""Discs that were read: their files, whom they are about, and the queue of those that wait."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def _texts(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str, type_: type[sa.types.TypeEngine] = sa.BigInteger) -> list[sa.Column]:
    return [sa.Column(name, type_(), autoincrement=False, nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "media_disc",
        *_numbers("number"),
        *_numbers("custodian", type_=sa.Integer),
        *_texts("title", "place", "upload"),
        *_numbers("begun"),
        *_texts("by", "by_title", "state", "problem"),
        sa.PrimaryKeyConstraint("number"),
        comment="Discs that a site has read, or is reading",
    )
    op.create_index("media_disc_custodian", "media_disc", ["custodian", "number"])
    op.create_table(
        "media_patient",
        *_numbers("disc"),
        *_numbers("number", "custodian", type_=sa.Integer),
        *_texts("patient_id", "issuer", "institution", "alphabetic", "ideographic", "phonetic"),
        *_texts("birth_date", "sex", "state", "patient", "by", "by_title"),
        *_numbers("at", "ends"),
        sa.PrimaryKeyConstraint("disc", "number"),
        comment="Whom a disc is about, as its files say, and which Patient of the site somebody said that is",
    )
    op.create_index("ix_media_patient_ends", "media_patient", ["ends"])
    op.create_index("media_patient_known", "media_patient", ["custodian", "patient_id"])
    op.create_table(
        "media_file",
        *_numbers("disc"),
        *_numbers("number", "patient", type_=sa.Integer),
        *_texts("path"),
        *_numbers("listed", type_=sa.SmallInteger),
        *_texts("state", "reason"),
        *_numbers("custodian", type_=sa.Integer),
        *_texts("digest"),
        *_numbers("size"),
        *_texts("study", "study_date", "modality", "instance"),
        sa.PrimaryKeyConstraint("disc", "number"),
        comment="Every file of a disc, and what became of it",
    )
    op.create_index("media_file_patient", "media_file", ["disc", "patient", "state"])
    op.create_index("media_file_digest", "media_file", ["digest", "custodian"])
    op.create_table(
        "media_job",
        *_texts("id", "client", "purpose", "request", "address"),
        *_numbers("begun", "ends"),
        *_numbers("state", type_=sa.SmallInteger),
        *_numbers("until"),
        *_numbers("step", "steps", type_=sa.Integer),
        *_texts("position"),
        sa.Column("scope", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Discs that are being read",
    )
    op.create_index("ix_media_job_ends", "media_job", ["ends"])


def downgrade() -> None:
    for table in ("media_job", "media_file", "media_patient", "media_disc"):
        op.drop_table(table)
