"""DIMSE: the applications that are known, and the storage commitments that are not reported yet."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.create_table(
        "dicom_node",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "client")),
        sa.Column("title", sa.Text(), nullable=False, comment="AE title"),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("network", "certificate", "subject", "purpose")),
        sa.Column("host", sa.Text(), nullable=False, comment="where the hub calls it; empty for nowhere"),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("secured", sa.Integer(), nullable=False, comment="1 for TLS when the hub calls it"),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
        comment="DICOM applications: a client of a site, by AE title and by address or certificate",
    )
    op.create_table(
        "storage_commitment",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("custodian", sa.Integer(), nullable=False),
        sa.Column("transaction_uid", sa.Text(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("referenced", sa.LargeBinary(), nullable=False, comment="UTF-8 lines: class, a space, instance"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
        comment="Storage commitments that were asked for and are not reported yet",
    )
    op.create_index("ix_storage_commitment_next", "storage_commitment", ["next"])


def downgrade() -> None:
    op.drop_table("storage_commitment")
    op.drop_table("dicom_node")
