"""Numbers and quantities in one order: no statement begins at a value of theirs."""

from alembic import op

revision = "0008"
down_revision = "0007"

ORDERS = {
    "index_number": ["parameter", "lo", "patient_key", "row"],
    "index_quantity": ["parameter", "unit_hash", "lo", "patient_key", "row"],
}


def upgrade() -> None:
    """Drop the second orders: on SQLite half of the pages that a laboratory result wrote were theirs."""
    for table in ORDERS:
        op.drop_index(f"ix_{table}_lo", table_name=table)


def downgrade() -> None:
    """Make them again."""
    for table, columns in ORDERS.items():
        op.create_index(f"ix_{table}_lo", table, columns)
