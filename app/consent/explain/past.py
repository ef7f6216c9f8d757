"""The grants of a person as they were at an instant: compiled anew from the versions that the Consents had then.

That is done in a transaction that is rolled back: nothing of it is ever seen by anybody else, or kept.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy import BigInteger, bindparam, delete, select

from app.consent.compile import compile_consents
from app.consent.of_person import CONSENTS
from app.consent.tables import consent_grant
from app.db import DatabaseConnection
from app.hub import Hub
from app.identity.same_person import OF_PATIENT
from app.identity.tables import person_patient
from fhir.store.stored import Stored
from fhir.store.tables import resource, resource_version

T = TypeVar("T")

MOST_VERSIONS = 10_000
"""Versions of a person's Consents that are looked through."""

_VERSIONS = (
    select(
        *(resource.c.type, resource.c.id, resource.c.patient_key, resource.c.row, resource_version.c.version),
        *(resource.c.custodian, resource.c.labels, resource_version.c.last_updated, resource_version.c.method),
        resource_version.c.body,
    )
    .select_from(CONSENTS)
    .join(
        resource_version,
        (resource_version.c.patient_key == resource.c.patient_key) & (resource_version.c.row == resource.c.row),
    )
    .where(
        OF_PATIENT,
        resource_version.c.last_updated <= bindparam("at", type_=BigInteger),
    )
    .order_by(resource.c.row, resource_version.c.version)
    .limit(MOST_VERSIONS)
)
_FORGET = delete(consent_grant).where(
    consent_grant.c.person
    == select(person_patient.c.person)
    .where(person_patient.c.patient_key == bindparam("patient_key", type_=BigInteger))
    .scalar_subquery()
)


class _Over(Exception):
    """Ends a transaction that is not to be kept."""


async def as_of(hub: Hub, patient_key: int, at: int, ask: Callable[[DatabaseConnection], Awaitable[T]]) -> T:
    """Return what is answered where a person's grants are those of an instant.

    Args:
        hub: The running hub.
        patient_key: One of the person's Patients.
        at: The instant in microseconds since 1970 UTC.
        ask: Asks on the connection that it is given.
    """
    found: list[T] = []
    settings = hub.settings
    try:
        async with hub.database.write() as connection:
            rows = await connection.fetch(_VERSIONS, {"patient_key": patient_key, "at": at})
            then = {int(row[3]): Stored._make(row) for row in rows}
            await connection.execute(_FORGET, {"patient_key": patient_key})
            await compile_consents(
                connection,
                list(then.values()),
                base_url=settings.fhir_address,
                majority=settings.majority,
                refuse=False,
            )
            found.append(await ask(connection))
            raise _Over
    except _Over:
        return found[0]
