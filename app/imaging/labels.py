"""Labels of an ImagingStudy, which its study, series and instances carry as well: they are hidden together.

https://hl7.org/fhir/R4/security-labels.html
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import BigInteger, Table, Text, Update, bindparam, select, update

from app.db import DatabaseConnection
from dicom.store.tables import dicom_instance, dicom_series, dicom_study
from fhir.store.stored import Stored


def _widen(table: Table, study: str) -> Update:
    return (
        update(table)
        .where(table.c.patient_key == bindparam("k_patient", type_=BigInteger))
        .where(table.c[study] == bindparam("k_study", type_=BigInteger))
        .values(labels=table.c.labels.op("|")(bindparam("n_labels", type_=BigInteger)))
    )


_WIDEN = (_widen(dicom_study, "id"), _widen(dicom_series, "study"), _widen(dicom_instance, "study"))


class LabelledStudy(NamedTuple):
    """A study of a custodian."""

    patient_key: int
    row: int
    labels: int


_STUDY_BY_UID = (
    select(dicom_study.c.patient_key, dicom_study.c.id, dicom_study.c.labels)
    .where(dicom_study.c.custodian == bindparam("custodian", type_=BigInteger))
    .where(dicom_study.c.study_instance_uid == bindparam("uid", type_=Text))
)


async def studies_of(connection: DatabaseConnection, custodian: int, uid: str) -> list[LabelledStudy]:
    """Return a custodian's study, by its StudyInstanceUID, if there are images of it.

    Whose it is the images say, and an ImagingStudy of the same study may name another Patient of the site.
    """
    rows = await connection.fetch(_STUDY_BY_UID, {"custodian": custodian, "uid": uid})
    return [LabelledStudy(*map(int, row)) for row in rows]


async def widen_study(connection: DatabaseConnection, custodian: int, uid: str, labels: int) -> None:
    """Give the images of a custodian's study labels, by its StudyInstanceUID; none is ever taken away."""
    for one in await studies_of(connection, custodian, uid):
        await widen_row(connection, one.patient_key, one.row, labels)


async def widen_row(connection: DatabaseConnection, patient_key: int, study: int, labels: int) -> None:
    """Give the images of a study labels, by its row; none is ever taken away."""
    values = {"k_patient": patient_key, "k_study": study, "n_labels": labels}
    for statement in _WIDEN:
        await connection.execute(statement, values)


async def label_images(connection: DatabaseConnection, written: Iterable[Stored]) -> None:
    """Give the images of each ImagingStudy among `written` its labels; none is ever taken away."""
    for one in written:
        if one.type == "ImagingStudy" and one.labels:
            # The hub's own ImagingStudy has the row number of its study; any other touches no row.
            await widen_row(connection, one.patient_key, one.row, one.labels)
