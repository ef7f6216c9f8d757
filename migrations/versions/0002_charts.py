"""A row of several patients gets a patient key of its own, under which it is found by the patients it is about."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEYED = ("resource", "resource_id", "resource_version")
INDEXES = (
    "index_token",
    "index_string",
    "index_reference",
    "index_uri",
    "index_date",
    "index_number",
    "index_quantity",
)

PATIENT_PARAMETERS = (
    *(13, 89, 135, 177, 208, 278, 297, 326, 377, 399, 421, 473, 497, 546, 614, 637, 658, 677, 696, 713, 731, 748, 802),
    *(819, 839, 860, 891, 950, 984, 1014, 1152, 1172, 1189, 1204, 1260, 1302, 1324, 1348, 1363, 1433, 1501, 1574, 1595),
    *(1634, 1655, 1707, 1728, 1903, 1957, 1999, 2303, 2323, 2371, 2397, 2421, 2521, 2538, 2633, 2677, 2849, 2890, 3009),
)
"""The numbers of the parameters `patient` that read one element of their type."""


def upgrade() -> None:
    op.create_table(
        "patient_chart",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("patient_key", "key"),
        sqlite_with_rowid=False,
        comment="The patient keys of what is about a Patient: its own, and those of rows that belong to several",
    )
    for table in (*KEYED, *INDEXES):
        op.execute(f"UPDATE {table} SET patient_key = -row WHERE patient_key = -1")  # noqa: S608
    # What pointed at a row of several patients took over the key that they all shared.
    op.execute("DELETE FROM resource_patient WHERE patient_key < 0")
    op.execute("INSERT INTO patient_chart SELECT patient_key, patient_key FROM person_patient")
    op.execute(
        "INSERT INTO patient_chart SELECT p.patient_key, r.patient_key FROM resource r "
        "JOIN resource_patient p ON p.row = r.row "
        "WHERE r.patient_key < 0 AND r.by_subject = 0"
    )
    # A row that was deleted has no index rows; it comes into its charts when it is written again.
    op.execute(
        "INSERT INTO patient_chart SELECT DISTINCT n.row, i.patient_key FROM index_reference i "  # noqa: S608
        "JOIN resource r ON r.patient_key = i.patient_key AND r.row = i.row AND r.version = i.version "
        "JOIN resource_id n ON n.hash = i.target_hash AND n.patient_key = n.row "
        "JOIN resource_patient p ON p.row = i.row AND p.patient_key = n.row "
        f"WHERE i.patient_key < 0 AND r.by_subject = 1 AND i.parameter IN {PATIENT_PARAMETERS}"
    )


def downgrade() -> None:
    op.drop_table("patient_chart")
    for table in (*KEYED, *INDEXES):
        op.execute(f"UPDATE {table} SET patient_key = -1 WHERE patient_key < 0")  # noqa: S608
