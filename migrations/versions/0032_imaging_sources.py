"""Imaging sources: where sites keep images themselves, and which instances are references to them."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

_REFERENCE = sa.text("source IS NOT NULL")


def _texts(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "imaging_source",
        sa.Column("key", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        *_texts("client", "wado", "qido", "locations", "ae_title", "host"),
        *_numbers("port"),
        *_texts(
            "called_as",
            "get_by",
            "listen",
            "certificate",
            "private_key",
            "authority",
            "credentials",
            "networks",
            "cache",
        ),
        *_numbers("at_once", "seconds", "index_hours"),
        comment="Where sites keep images themselves: what is asked, how, and what of it is kept for a while",
    )
    op.create_table(
        "imaging_source_state",
        sa.Column("source", sa.BigInteger(), primary_key=True, autoincrement=False),
        *_numbers("last_success", "last_failure", "failures", "open_until"),
        *_texts("failure", "position"),
        *_numbers("indexed", "index_done"),
        comment="How each imaging source is doing, and how far its index is",
    )
    for name, comment in (
        ("source", "who has the bytes of a reference; NULL: they are kept here"),
        ("described", "when the source gave the whole header of a reference"),
    ):
        op.add_column("dicom_instance", sa.Column(name, sa.BigInteger(), nullable=True, comment=comment))
    op.create_index(
        "dicom_instance_source",
        "dicom_instance",
        ["source", "patient_key", "id"],
        sqlite_where=_REFERENCE,
        postgresql_where=_REFERENCE,
    )


def downgrade() -> None:
    op.drop_index("dicom_instance_source", "dicom_instance")
    op.drop_column("dicom_instance", "described")
    op.drop_column("dicom_instance", "source")
    for table in ("imaging_source_state", "imaging_source"):
        op.drop_table(table)
