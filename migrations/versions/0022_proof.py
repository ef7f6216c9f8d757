"""The log proves itself: roots of tiles, successions of keys, cosignatures, and pointers to patients."""

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

APPEND_ONLY = ("audit_node", "audit_succession", "audit_cosignature")

WIDTH = 256


def _forbid_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION renkei_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )


def _root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [sha256(b"\x01" + hashes[at] + hashes[at + 1]).digest() for at in range(0, len(hashes), 2)]
    return hashes[0]


def _fill_nodes() -> None:
    """Compute the roots of the tiles that are full."""
    connection = op.get_bind()
    node = sa.table("audit_node", sa.column("level"), sa.column("position"), sa.column("hash"))
    level = 0
    while True:
        source = (
            "SELECT hash FROM audit_leaf WHERE leaf >= :first AND leaf < :end ORDER BY leaf"
            if level == 0
            else f"SELECT hash FROM audit_node WHERE level = {level} AND position >= :first AND position < :end "  # noqa: S608 - a number of ours
            "ORDER BY position"
        )
        position = 0
        while True:
            limits = {"first": position * WIDTH, "end": (position + 1) * WIDTH}
            hashes = [bytes(one) for (one,) in connection.execute(sa.text(source), limits)]
            if len(hashes) < WIDTH:
                break
            connection.execute(sa.insert(node), {"level": level + 1, "position": position, "hash": _root(hashes)})
            position += 1
        if not position:
            return
        level += 1


def upgrade() -> None:
    op.create_table(
        "audit_node",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position"),
        sqlite_with_rowid=False,
        comment="Roots of full tiles: 256 to the power of `level` leaves each, so that a proof reads few rows",
    )
    op.create_table(
        "audit_succession",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        comment="By which key each signing key named the next, as signed notes",
    )
    op.create_table(
        "audit_cosignature",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("signed", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", "witness"),
        sqlite_with_rowid=False,
        comment="What witnesses signed beside a checkpoint, by the text form of their keys",
    )
    op.create_table(
        "audit_pointer",
        sa.Column("hash", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("pointer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
        comment="From an HMAC of a patient to the patient's key, encrypted; empty once the patient's details were erased",
    )
    _fill_nodes()
    for table in APPEND_ONLY:
        _forbid_changes(table)


def downgrade() -> None:
    op.drop_table("audit_pointer")
    op.drop_table("audit_cosignature")
    op.drop_table("audit_succession")
    op.drop_table("audit_node")
