"""Images: the words of names, for fuzzy matching; what was deleted."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from dicom.names import PersonName, words

revision = "0035"
down_revision = "0034"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NAMES = ("referring_physician_name", "patient_name")
_GROUPS = ("alphabetic", "ideographic", "phonetic")
_AT_ONCE = 1_000


def upgrade() -> None:
    for name in _NAMES:
        said = {"server_default": sa.text("''"), "comment": "made by dicom.names.words"}
        op.add_column("dicom_study", sa.Column(f"{name}_words", _TEXT, nullable=False, **said))
    _fill()
    op.create_table(
        "dicom_deleted",
        sa.Column("custodian", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("sop_instance_uid", "study_instance_uid", "digest")),
        sa.Column("labels", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False, comment="microseconds since 1970 UTC"),
        sa.PrimaryKeyConstraint("custodian", "sop_instance_uid"),
        comment="Instances that their custodian deleted: what hid a study hides it when it is sent again",
        sqlite_with_rowid=False,
    )
    op.create_index("dicom_deleted_study", "dicom_deleted", ["custodian", "study_instance_uid"])


def _fill() -> None:
    """Write the words of the names that are there."""
    columns = [f"{name}_{group}" for name in _NAMES for group in _GROUPS]
    study = sa.table("dicom_study", *(sa.column(name) for name in ("patient_key", "id", *columns)))
    names = ("patient_key", "id", *(f"{name}_words" for name in _NAMES))
    written = sa.table("dicom_study", *(sa.column(name) for name in names))
    connection = op.get_bind()
    update = (
        sa.update(written)
        .where(written.c.patient_key == sa.bindparam("k_patient"), written.c.id == sa.bindparam("k_id"))
        .values({f"{name}_words": sa.bindparam(f"n_{name}") for name in _NAMES})
    )
    after = (-(2**62), 0)
    while rows := connection.execute(_next(study, after)).all():
        connection.execute(update, [_made(row) for row in rows])
        after = (rows[-1][0], rows[-1][1])


def _next(study: sa.TableClause, after: tuple[int, int]) -> sa.Select[tuple[Any, ...]]:
    """Select so many rows that follow one; there may be more of them than fit into memory."""
    patient_key, row = study.c.patient_key, study.c.id
    follows = sa.or_(patient_key > after[0], sa.and_(patient_key == after[0], row > after[1]))
    return sa.select(study).where(patient_key >= after[0], follows).order_by(patient_key, row).limit(_AT_ONCE)


def _made(row: sa.Row[tuple[Any, ...]]) -> dict[str, Any]:
    names = {f"n_{name}": words(PersonName(*row[2 + 3 * n : 5 + 3 * n])) for n, name in enumerate(_NAMES)}
    return {"k_patient": row[0], "k_id": row[1], **names}


def downgrade() -> None:
    op.drop_table("dicom_deleted")
    for name in _NAMES:
        op.drop_column("dicom_study", f"{name}_words")
