"""The log under failure: what the second log had and the log lacked, time stamps, and what retention removed."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

APPEND_ONLY = ("audit_timestamp", "audit_taken_up", "audit_expired")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _forbid_changes(table: str) -> None:
    if _is_postgresql():
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION renkei_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        _forbid(table, verb)


def _forbid(table: str, verb: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    )


def _let_expired_records_go() -> None:
    """Let records be removed that `audit_expired` names, and no others."""
    if _is_postgresql():
        op.execute("DROP TRIGGER audit_record_append_only ON audit_record")
        op.execute(
            "CREATE TRIGGER audit_record_append_only BEFORE UPDATE OR TRUNCATE ON audit_record "
            "FOR EACH STATEMENT EXECUTE FUNCTION renkei_append_only()"
        )
        op.execute(
            "CREATE FUNCTION renkei_expired_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF OLD.row > coalesce((SELECT row FROM audit_expired ORDER BY leaf DESC LIMIT 1), -1) "
            "THEN RAISE EXCEPTION 'the audit log is append-only'; END IF; RETURN OLD; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_record_expired_only BEFORE DELETE ON audit_record "
            "FOR EACH ROW EXECUTE FUNCTION renkei_expired_only()"
        )
        return
    op.execute("DROP TRIGGER audit_record_no_delete")
    op.execute(
        "CREATE TRIGGER audit_record_no_delete BEFORE DELETE ON audit_record "
        "WHEN OLD.row > coalesce((SELECT row FROM audit_expired ORDER BY leaf DESC LIMIT 1), -1) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    )


def _let_no_record_go() -> None:
    if _is_postgresql():
        op.execute("DROP TRIGGER audit_record_expired_only ON audit_record")
        op.execute("DROP FUNCTION renkei_expired_only()")
        op.execute("DROP TRIGGER audit_record_append_only ON audit_record")
        _forbid_changes("audit_record")
        return
    op.execute("DROP TRIGGER audit_record_no_delete")
    _forbid("audit_record", "DELETE")


def upgrade() -> None:
    row = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "audit_timestamp",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stamped", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
        comment="Time stamps (RFC 3161) of the texts of checkpoints: the answers of an authority, as received",
    )
    op.create_table(
        "audit_expired",
        sa.Column("leaf", row, autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("leaf"),
        comment="Up to which leaf records were removed by retention, and the highest of their rows; the leaves stay",
    )
    op.create_table(
        "audit_taken_up",
        sa.Column("row", row, autoincrement=False, nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("row"),
        comment="Entries of the second log that the log lacked: taken up (an access), or not done (an act)",
    )
    for table in APPEND_ONLY:
        _forbid_changes(table)
    _let_expired_records_go()


def downgrade() -> None:
    _let_no_record_go()
    for table in APPEND_ONLY:
        op.drop_table(table)
