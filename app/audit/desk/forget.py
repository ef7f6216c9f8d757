"""A Patient that is removed for good leaves the desk too: the person's account, and the list, go over to another."""

from sqlalchemy import BigInteger, bindparam, delete, select, update

from app.audit.desk.tables import account_patient, watched_patient
from app.db import DatabaseConnection
from app.identity.same_person import OF_PATIENT, OTHER, SAME_PERSON

_TABLES = (account_patient, watched_patient)
_KEY = bindparam("k_key", type_=BigInteger)
_OTHERS = (
    select(OTHER.c.patient_key, watched_patient.c.patient_key)
    .select_from(SAME_PERSON.outerjoin(watched_patient, watched_patient.c.patient_key == OTHER.c.patient_key))
    .where(OF_PATIENT, OTHER.c.patient_key != bindparam("patient_key", type_=BigInteger))
    .order_by(OTHER.c.patient_key)
)
_GO_OVER = {
    table: update(table).where(table.c.patient_key == _KEY).values(patient_key=bindparam("n_key", type_=BigInteger))
    for table in _TABLES
}
_LEAVE = {table: delete(table).where(table.c.patient_key == _KEY) for table in _TABLES}


async def forget_patient(connection: DatabaseConnection, patient_key: int) -> None:
    """Take a Patient out of the desk, before it is taken out of its person."""
    others = await connection.fetch(_OTHERS, {"patient_key": patient_key})
    is_watched = any(watched is not None for _, watched in others)
    for table in _TABLES:
        if others and not (table is watched_patient and is_watched):
            values = {"k_key": patient_key, "n_key": int(others[0][0])}
            await connection.execute(_GO_OVER[table], values)
        else:
            await connection.execute(_LEAVE[table], {"k_key": patient_key})
