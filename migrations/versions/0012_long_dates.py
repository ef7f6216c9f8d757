"""Dates that last longer than a day, by their end: a search for a range of dates begins there."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

LONG = sa.text("hi - lo > 86400000000")


def upgrade() -> None:
    """Make the index: few dates are in it."""
    columns = ["parameter", "hi", "lo", "patient_key", "row"]
    op.create_index("ix_index_date_long", "index_date", columns, sqlite_where=LONG, postgresql_where=LONG)


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_index_date_long", table_name="index_date")
