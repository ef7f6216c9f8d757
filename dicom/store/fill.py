"""What a study and a series that were only referred to did not say of themselves, once an instance's header says it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import BigInteger, Table, Update, bindparam, case, update

from dicom.indexing import Facts
from dicom.store.connection import Connection
from dicom.store.tables import dicom_series, dicom_study

_SERIES_TEXTS = (
    *("modality", "series_description", "series_date", "series_time", "body_part_examined", "laterality"),
    *("performed_procedure_step_start_date", "performed_procedure_step_start_time"),
)
_STUDY_TEXTS = (
    *("study_date", "study_time", "accession_number", "study_description", "patient_birth_date", "patient_sex"),
    *("timezone_offset_from_utc", "study_id"),
)
"""What a manifest may leave out; whose the study is was decided when it was filed, and is not filled in."""


def _fill(table: Table, uid: str, names: tuple[str, ...]) -> Update:
    return (
        update(table)
        .where(table.c.patient_key == bindparam("k_patient", type_=BigInteger))
        .where(table.c.custodian == bindparam("k_custodian", type_=BigInteger))
        .where(table.c[uid] == bindparam("k_uid"))
        .values(
            {
                name: case((table.c[name] == "", bindparam(f"n_{name}", type_=table.c[name].type)), else_=table.c[name])
                for name in names
            }
        )
    )


_STUDY = _fill(dicom_study, "study_instance_uid", _STUDY_TEXTS)
_SERIES = _fill(dicom_series, "series_instance_uid", _SERIES_TEXTS)


async def fill_in(connection: Connection, patient_key: int, custodian: int, facts: Facts) -> None:
    """Fill in what is empty of a study and a series.

    Args:
        connection: In a write transaction.
        patient_key: Of the study.
        custodian: Of the study.
        facts: What a header says.
    """
    for statement, about, uid, names in (
        (_STUDY, facts.study, facts.study.study_instance_uid, _STUDY_TEXTS),
        (_SERIES, facts.series, facts.series.series_instance_uid, _SERIES_TEXTS),
    ):
        stated: Mapping[str, Any] = asdict(about)
        values = {"k_patient": patient_key, "k_custodian": custodian, "k_uid": uid}
        await connection.execute(statement, values | {f"n_{name}": stated[name] for name in names})
