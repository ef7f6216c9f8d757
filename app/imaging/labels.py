"""Labels of an ImagingStudy, which its study, series and instances carry as well: they are hidden together.

https://hl7.org/fhir/R4/security-labels.html
"""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Table, Update, bindparam, update

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


async def label_images(connection: DatabaseConnection, written: Iterable[Stored]) -> None:
    """Give the images of each ImagingStudy among `written` its labels; none is ever taken away."""
    for one in written:
        if one.type == "ImagingStudy" and one.labels:
            # The hub's own ImagingStudy has the row number of its study; any other touches no row.
            values = {"k_patient": one.patient_key, "k_study": one.row, "n_labels": one.labels}
            for statement in _WIDEN:
                await connection.execute(statement, values)
