"""Which of a site's Patients an incoming Patient is: the one with the same identifier, inside the site's custody.

R1010 of JP-CLINS: the number of a patient in a facility is an identifier with the facility in its system.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, select

from app.db import DatabaseConnection
from fhir.search.hashing import hash64
from fhir.spec.identifier_systems import MEMBER_ID, forms
from fhir.spec.search_parameters import parameters
from fhir.store.tables import CURRENT_TOKEN, index_token, resource
from fhir.store.types import NUMBERS

_IDENTIFIER = parameters("Patient")["identifier"].id

_BY_IDENTIFIER = (
    select(resource.c.id, resource.c.patient_key)
    .select_from(index_token)
    .join(resource, CURRENT_TOKEN)
    .where(
        index_token.c.parameter == _IDENTIFIER,
        index_token.c.code_hash == bindparam("code_hash", type_=BigInteger),
        index_token.c.system_hash == bindparam("system_hash", type_=BigInteger),
        resource.c.type == NUMBERS["Patient"],
        resource.c.deleted == 0,
        resource.c.custodian == bindparam("custodian", type_=Integer),
    )
    .order_by(resource.c.row)
    .limit(1)
)

SHARED_SYSTEMS = frozenset(forms(MEMBER_ID))
"""Systems whose values may be shared by several Patients of a site: a household, an earlier record."""


async def known_patient(
    connection: DatabaseConnection, patient: Mapping[str, Any], custodian: int
) -> tuple[str, int] | None:
    """Return id and key of the custodian's Patient with one of the identifiers of `patient`, or None."""
    for identifier in patient.get("identifier", ()):
        system, value = identifier.get("system"), identifier.get("value")
        if not system or not value or system in SHARED_SYSTEMS:
            continue
        for form in forms(system):
            values = {"code_hash": hash64(value), "system_hash": hash64(form), "custodian": custodian}
            rows = await connection.fetch(_BY_IDENTIFIER, values)
            if rows:
                return str(rows[0][0]), int(rows[0][1])
    return None
