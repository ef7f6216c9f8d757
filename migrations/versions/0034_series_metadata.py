"""The metadata of whole series, compressed."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.create_table(
        "dicom_series_metadata",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("series", sa.BigInteger(), autoincrement=False, nullable=False, comment="id of the dicom_series"),
        sa.Column(
            "tag", sa.Text(), nullable=False, comment="names the instances that it tells of, by their digests in order"
        ),
        sa.Column("packed", sa.LargeBinary(), nullable=False, comment="DICOM JSON, UTF-8, gzip"),
        sa.ForeignKeyConstraint(
            ["patient_key", "series"], ["dicom_series.patient_key", "dicom_series.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("patient_key", "series"),
        comment="What WADO-RS tells of a whole series, made when it was first asked for; it may be gone at any time",
    )


def downgrade() -> None:
    op.drop_table("dicom_series_metadata")
