"""Grants: single resources and what goes with them, and which provision a rule comes from."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_COLUMNS = (("data", sa.SmallInteger()), ("target", sa.BigInteger()), ("provision", sa.Integer()))


def upgrade() -> None:
    for name, kind in _COLUMNS:
        op.add_column("consent_grant", sa.Column(name, kind, nullable=False, server_default="0"))


def downgrade() -> None:
    # What is limited to single resources cannot be said without them: a permit would be wider than it was.
    op.execute("DELETE FROM consent_grant WHERE data <> 0 AND effect = 1")
    for name, _ in reversed(_COLUMNS):
        op.drop_column("consent_grant", name)
