"""Consents given in somebody's place, which depend on the birth date that the Patient says."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, and_, bindparam, select

from app.consent.majority import by_proxy
from app.db import DatabaseConnection
from fhir.resource import parse
from fhir.store.in_order import in_order
from fhir.store.read import COLUMNS, LAST_BODY, stored
from fhir.store.stored import Stored
from fhir.store.tables import patient_chart, resource, resource_version
from fhir.store.types import NUMBERS

_CONSENTS: Any = (
    select(*COLUMNS)
    .select_from(
        in_order(
            in_order(
                patient_chart,
                resource,
                and_(resource.c.patient_key == patient_chart.c.key, resource.c.type == NUMBERS["Consent"]),
            ),
            resource_version,
            LAST_BODY,
        )
    )
    .where(patient_chart.c.patient_key == bindparam("patient", type_=BigInteger), resource.c.deleted == 0)
)


async def given_in_place(connection: DatabaseConnection, written: Iterable[Stored]) -> list[Stored]:
    """Return the Consents that somebody gave in the place of the Patients among `written` that there were before.

    Args:
        connection: Inside the write transaction.
        written: What was written.
    """
    found: dict[int, Stored] = {}
    for one in written:
        if one.type == "Patient" and one.version > 1 and not one.deleted:
            rows = await connection.fetch(_CONSENTS, {"patient": one.row})
            found |= {consent.row: consent for consent in map(stored, rows) if by_proxy(parse(bytes(consent.body)))}
    return list(found.values())
