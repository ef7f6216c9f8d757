"""Naming the patient of an entry in the audit log."""

from sqlalchemy import BigInteger, Text, bindparam, select

from app.audit.record import Event
from app.db import DatabaseConnection
from fhir.search.hashing import hash64
from fhir.store.in_order import by_hash
from fhir.store.tables import resource, resource_id
from fhir.store.types import NUMBERS

_KEY = (
    select(resource.c.patient_key)
    .select_from(by_hash(resource))
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == NUMBERS["Patient"],
        resource.c.id == bindparam("id", type_=Text),
    )
)


async def about(connection: DatabaseConnection, patient: str, said: Event) -> Event:
    """Return an event that names a patient.

    Args:
        connection: Where to read.
        patient: The id of the Patient; empty, or that of one who is gone, for nobody.
        said: The event.
    """
    rows = await connection.fetch(_KEY, {"hash": hash64(f"Patient/{patient}"), "id": patient}) if patient else ()
    return said._replace(patient=f"Patient/{patient}", patient_key=int(rows[0][0])) if rows else said
