"""Imports wait in a queue like the others: `request` names the site, `ends` stays open until one is done."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

NEVER = 2**63 - 1
WAITING = 0
TURNS = 4
COMMENT = "Imports: by which client (none: the command line), what, how far; `until` as in export_job"
FORMER = "Imports: by which client (none: the command line), for which site, how far; `until` as in export_job"


def _rows() -> list[dict[str, Any]]:
    return [dict(row) for row in op.get_bind().execute(sa.text("SELECT * FROM import_job")).mappings()]


def _made_anew(comment: str, columns: list[sa.Column[Any]], rows: list[dict[str, Any]]) -> None:
    op.drop_table("import_job")
    table = op.create_table("import_job", *columns, sa.PrimaryKeyConstraint("id"), comment=comment)
    op.create_index("ix_import_job_ends", "import_job", ["ends"])
    op.bulk_insert(table, rows)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str, kind: type[sa.Integer] = sa.BigInteger) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False)


def upgrade() -> None:
    rows = _rows()
    for row in rows:
        asked = json.loads(row["request"])
        row["address"], row["purpose"] = asked.pop("address"), ""
        row["request"] = json.dumps({**asked, "custodian": row.pop("custodian")}, ensure_ascii=False)
        row["step"], row["steps"] = json.loads(row["position"])["turn"], TURNS
        row["ends"] = NEVER if row["state"] == WAITING else row["ends"]
    columns = [
        *(_text(name) for name in ("id", "client", "purpose", "request", "address")),
        *(_number("begun"), _number("ends"), _number("state", sa.SmallInteger), _number("until")),
        *(_number("step", sa.Integer), _number("steps", sa.Integer), _text("position")),
    ]
    _made_anew(COMMENT, columns, rows)


def downgrade() -> None:
    rows = _rows()
    for row in rows:
        asked = json.loads(row["request"])
        row["custodian"] = asked.pop("custodian")
        counts = [dict.fromkeys(("created", "updated", "unchanged", "faulty", "passes"), 0) for _ in asked["inputs"]]
        row["position"] = row["position"] or json.dumps(
            {"turn": 0, "file": 0, "line": 0, "faults": 0, "counts": counts}
        )
        row["request"] = json.dumps({**asked, "address": row.pop("address")}, ensure_ascii=False)
        row["ends"] = row["begun"] if row["state"] == WAITING else row["ends"]
        for name in ("purpose", "step", "steps"):
            del row[name]
    columns = [
        *(_text("id"), _text("client"), _number("custodian", sa.Integer), _text("request"), _number("begun")),
        *(_number("ends"), _number("state", sa.SmallInteger), _number("until"), _text("position")),
    ]
    _made_anew(FORMER, columns, rows)
