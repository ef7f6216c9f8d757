"""Images that came by a door under another patient than the site has them of wait as discs do, and none for ever."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"

DAYS = 90
"""What already waits may wait so long from now on."""


def upgrade() -> None:
    op.add_column("media_disc", sa.Column("conflict", sa.Text(), nullable=False, server_default=sa.text("''")))
    for name in ("held_by", "stated_as"):
        op.add_column("media_disc", sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.create_index("media_disc_conflict", "media_disc", ["conflict", "custodian"])
    ends = (time.time_ns() // 1_000) + DAYS * 86_400_000_000
    patient = sa.table("media_patient", sa.column("state", sa.Text), sa.column("ends", sa.BigInteger))
    op.execute(sa.update(patient).where(patient.c.state == "waiting", patient.c.ends == 0).values(ends=ends))


def downgrade() -> None:
    patient = sa.table("media_patient", sa.column("state", sa.Text), sa.column("ends", sa.BigInteger))
    op.execute(sa.update(patient).where(patient.c.state == "waiting").values(ends=0))
    op.drop_index("media_disc_conflict", "media_disc")
    for name in ("stated_as", "held_by", "conflict"):
        op.drop_column("media_disc", name)
