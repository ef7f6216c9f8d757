"""References are followed both ways, and texts are looked up by their resource."""

from alembic import op

revision = "0004"
down_revision = "0002"

BY_ROW = ("index_string", "index_reference")


def upgrade() -> None:
    op.create_index("ix_resource_id_row", "resource_id", ["patient_key", "row"])
    for table in BY_ROW:
        op.create_index(f"ix_{table}_row", table, ["patient_key", "row", "parameter"])


def downgrade() -> None:
    for table in BY_ROW:
        op.drop_index(f"ix_{table}_row", table)
    op.drop_index("ix_resource_id_row", "resource_id")
