"""Resources of a site that are found again by an identifier: those of one custodian, whoever may see them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, SmallInteger, bindparam, select

from app.db import DatabaseConnection
from fhir.search.hashing import hash64
from fhir.spec.identifier_systems import forms
from fhir.spec.search_parameters import parameters
from fhir.store.read import COLUMNS, stored
from fhir.store.stored import Stored
from fhir.store.tables import CURRENT_TOKEN, CURRENT_VERSION, index_token, resource, resource_version
from fhir.store.types import NUMBERS

MOST = 500
"""Resources of one order that are looked at."""

_FOUND: Any = (
    select(*COLUMNS)
    .select_from(index_token)
    .join(resource, CURRENT_TOKEN)
    .join(resource_version, CURRENT_VERSION)
    .where(
        index_token.c.parameter == bindparam("parameter", type_=Integer),
        index_token.c.code_hash == bindparam("code_hash", type_=BigInteger),
        index_token.c.system_hash == bindparam("system_hash", type_=BigInteger),
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.deleted == 0,
        resource.c.custodian == bindparam("custodian", type_=Integer),
    )
    .order_by(resource.c.row)
    .limit(MOST)
)


def lock_of(custodian: int, system: str, value: str) -> int:
    """Return the lock of a site's patient with a number, for whoever looks it up and writes what is not there."""
    return hash64(f"patient\0{custodian}\0{system}|{value}")


async def by_identifier(
    connection: DatabaseConnection, type_name: str, system: str, value: str, custodian: int
) -> Sequence[Stored]:
    """Return the custodian's resources of a type that state an identifier, the oldest first."""
    for form in forms(system):
        rows = await connection.fetch(
            _FOUND,
            {
                "parameter": parameters(type_name)["identifier"].id,
                "code_hash": hash64(value),
                "system_hash": hash64(form),
                "type": NUMBERS[type_name],
                "custodian": custodian,
            },
        )
        if rows:
            return [stored(row) for row in rows]
    return []
