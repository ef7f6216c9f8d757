"""A Patient that is removed for good leaves the index too; the history keeps that there was a link, and no more."""

from sqlalchemy import BigInteger, bindparam, delete, or_

from app.db import DatabaseConnection
from app.identity.tables import identity_key, identity_never, identity_pair, person_patient

_KEY = bindparam("k_key", type_=BigInteger)
_STATEMENTS = (
    delete(person_patient).where(person_patient.c.patient_key == _KEY),
    delete(identity_key).where(identity_key.c.patient_key == _KEY),
    *(
        delete(table).where(or_(table.c.one == _KEY, table.c.other == _KEY))
        for table in (identity_pair, identity_never)
    ),
)


async def forget_patient(connection: DatabaseConnection, patient_key: int) -> None:
    """Take a Patient out of its person, the keys and the queue."""
    for statement in _STATEMENTS:
        await connection.execute(statement, {"k_key": patient_key})
