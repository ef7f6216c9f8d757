"""Grants: single resources and what goes with them, and which provision a rule comes from."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0011"

_COLUMNS = (("data", sa.SmallInteger()), ("target", sa.BigInteger()), ("provision", sa.Integer()))

_IS = "SELECT {of}.patient_key, {of}.row, 1 AS way, 0 AS parameter, {at}.hash AS target FROM {source}"
_REFERS = """
    SELECT {of}.patient_key, {of}.row, 2, said.parameter, said.target_hash FROM {source}
    JOIN resource now ON now.patient_key = {at}.patient_key AND now.row = {at}.row
    JOIN index_reference said
        ON said.patient_key = now.patient_key AND said.row = now.row AND said.version = now.version
"""
_IS_REFERRED_TO = """
    SELECT {of}.patient_key, {of}.row, 3, 0, target.hash FROM {source}
    JOIN index_reference said ON said.target_hash = {at}.hash AND said.patient_key = {at}.patient_key
    JOIN resource now
        ON now.patient_key = said.patient_key AND now.row = said.row AND now.version = said.version
    JOIN resource_id target ON target.patient_key = now.patient_key AND target.row = now.row
"""
_ITSELF = {"of": "own", "at": "own", "source": "resource_id own"}
# -1 and 2326 are what a Binary and a Provenance say they belong with: BELONGS_WITH and Provenance.target.
_OWNER = {
    "of": "pointer",
    "at": "owner",
    "source": "index_reference pointer JOIN resource_id owner"
    " ON owner.hash = pointer.target_hash AND owner.patient_key = pointer.patient_key"
    " AND pointer.parameter IN (-1, 2326)",
}


def _view() -> str:
    parts = (_IS, _REFERS, _IS_REFERRED_TO)
    return "CREATE VIEW resource_standing AS " + " UNION ALL ".join(
        part.format(**places) for places in (_ITSELF, _OWNER) for part in parts
    )


def upgrade() -> None:
    for name, kind in _COLUMNS:
        op.add_column("consent_grant", sa.Column(name, kind, nullable=False, server_default="0"))
    op.execute(_view())


def downgrade() -> None:
    op.execute("DROP VIEW resource_standing")
    # What is limited to single resources cannot be said without them: a permit would be wider than it was.
    op.execute("DELETE FROM consent_grant WHERE data <> 0 AND effect = 1")
    for name, _ in reversed(_COLUMNS):
        op.drop_column("consent_grant", name)
