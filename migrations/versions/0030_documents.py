"""Documents: their versions, what was taken from them, and what several of them say."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0026"


def _numbers(*names: str, type_: type[sa.types.TypeEngine] = sa.BigInteger) -> list[sa.Column]:
    return [sa.Column(name, type_(), nullable=False, autoincrement=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "document",
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        *_numbers("custodian", type_=sa.Integer),
        *_numbers("patient_key", "row"),
        *_numbers("holds", type_=sa.SmallInteger),
        sa.Column("number", sa.Text(), nullable=False),
        *_numbers("instant", "withdrawn"),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
        comment="Documents by custodian and Bundle.identifier: which version is the newest, and whether it holds",
    )
    op.create_index("ix_document_row", "document", ["patient_key", "row"])
    op.create_table(
        "document_entry",
        *_numbers("patient_key", "document"),
        *_numbers("entry", type_=sa.Integer),
        *_numbers("row"),
        sa.PrimaryKeyConstraint("patient_key", "document", "entry"),
        comment="Which resource each entry of a document that holds stands for; `document` is the row of the Bundle",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_document_entry_row", "document_entry", ["patient_key", "row"])
    op.create_table(
        "document_fact",
        *_numbers("patient_key", "hash", "row"),
        *_numbers("version", type_=sa.Integer),
        sa.PrimaryKeyConstraint("patient_key", "hash"),
        comment="The resource by which a patient's fact is known, and the version of it that documents have made",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_document_fact_row", "document_fact", ["patient_key", "row"])


def downgrade() -> None:
    for table in ("document_fact", "document_entry", "document"):
        op.drop_table(table)
