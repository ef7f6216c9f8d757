"""Whether the region has grants about single resources: decisions ask about them only then."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute(
        "INSERT INTO epoch (name, value) SELECT 'grants of data', 1 "
        "WHERE EXISTS (SELECT 1 FROM consent_grant WHERE data <> 0)"
    )


def downgrade() -> None:
    op.execute("DELETE FROM epoch WHERE name = 'grants of data'")
