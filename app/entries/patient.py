"""Naming the patient of an entry in the audit log."""

from app.audit.record import Event
from app.db import DatabaseConnection
from app.identity.person import patient_key_of


async def about(connection: DatabaseConnection, patient: str, said: Event) -> Event:
    """Return an event that names a patient.

    Args:
        connection: Where to read.
        patient: The id of the Patient; empty, or that of one who is gone, for nobody.
        said: The event.
    """
    key = await patient_key_of(connection, patient) if patient else None
    return said if key is None else said._replace(patient=f"Patient/{patient}", patient_key=key)
