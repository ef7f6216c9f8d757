"""Full text: the folded texts of resources, and the keys by which they are found; `renkei reindex` fills them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _integers(**columns: type[sa.Integer]) -> list[sa.Column[int]]:
    return [sa.Column(name, type_(), autoincrement=False, nullable=False) for name, type_ in columns.items()]


def upgrade() -> None:
    op.create_table(
        "index_text",
        *_integers(parameter=sa.Integer, patient_key=sa.BigInteger, row=sa.BigInteger, version=sa.Integer),
        sa.Column("narrative", _TEXT, nullable=False),
        sa.Column("other", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("parameter", "patient_key", "row", "version"),
        sqlite_with_rowid=False,
        comment="The folded texts of each resource, under the number of its type's _content",
    )
    op.create_table(
        "index_gram",
        *_integers(parameter=sa.Integer, gram=sa.BigInteger, patient_key=sa.BigInteger, row=sa.BigInteger),
        sa.PrimaryKeyConstraint("parameter", "gram", "patient_key", "row"),
        sqlite_with_rowid=False,
        comment="Whose texts have, or had, two characters in a row; where to look, never what is found",
    )


def downgrade() -> None:
    op.drop_table("index_gram")
    op.drop_table("index_text")
