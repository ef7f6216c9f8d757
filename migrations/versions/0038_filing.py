"""By whom a study and a series are told of, and studies whose ImagingStudy follows in a moment.

Studies that hold something else than images may be told of by that: they are looked at again when the hub has started.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

_TOLD = (("dicom_study", 0o111111111), ("dicom_series", 0o1111111))
_CLASSES = "1.2.840.10008.5.1.4.1.1."


def upgrade() -> None:
    for table, before in _TOLD:
        said = {"server_default": sa.text(str(before)), "comment": "by whom: dicom.store.told"}
        op.add_column(table, sa.Column("told", sa.BigInteger(), nullable=False, **said))
    op.create_table(
        "dicom_undescribed",
        sa.Column("patient_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("study", sa.BigInteger(), autoincrement=False, nullable=False, comment="id of the dicom_study"),
        sa.Column("custodian", sa.Integer(), nullable=False),
        sa.Column("study_instance_uid", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False, comment="microseconds since 1970 UTC"),
        sa.PrimaryKeyConstraint("patient_key", "study"),
        comment="Studies that have grown and whose ImagingStudy does not say so yet",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_dicom_undescribed_since", "dicom_undescribed", ["since"])
    others = " OR ".join(f"sop_class_uid LIKE '{_CLASSES}{end}%'" for end in ("88.", "11.", "9.", "104."))
    op.execute(
        "INSERT INTO dicom_undescribed (patient_key, study, custodian, study_instance_uid, since)"  # noqa: S608 - no data
        " SELECT patient_key, id, custodian, study_instance_uid, 0 FROM dicom_study WHERE EXISTS ("
        "SELECT 1 FROM dicom_instance WHERE dicom_instance.patient_key = dicom_study.patient_key"
        f" AND dicom_instance.study = dicom_study.id AND (source IS NOT NULL OR {others}))"
    )


def downgrade() -> None:
    op.drop_table("dicom_undescribed")
    for table, _ in _TOLD:
        op.drop_column(table, "told")
