"""Identifier domains: which systems the hub knows, and which of them one organisation alone gives numbers of.

The patient numbers of an institution are its own by their system (R1010 of JP-CLINS); other systems are entered with
`renkei organisation domain`. What is neither may be stated by anybody: insurance numbers, for instance.
"""

import re
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select

from app.access.tables import organisation
from app.db import DatabaseConnection
from app.exchange.tables import identifier_domain
from app.identity.scope import patient_keys
from app.records.query import read_query
from app.records.request import Request
from fhir.search.run import search
from fhir.spec.identifier_systems import forms, institution_of

NOBODY = -1
"""The owner of an institution's numbers whose institution is no site of the region."""

_REGISTERED = select(identifier_domain.c.organisation).where(identifier_domain.c.system == bindparam("system"))
_BY_NUMBER = select(organisation.c.key).where(organisation.c.number == bindparam("number"))
_REMOVE = delete(identifier_domain).where(identifier_domain.c.system == bindparam("k_system"))
_ALL = (
    select(identifier_domain.c.system, organisation.c.slug)
    .join(organisation, organisation.c.key == identifier_domain.c.organisation)
    .order_by(identifier_domain.c.system)
)
_SPECIAL = re.compile(r"([\\,|$])")


def token_of(system: str, value: str = "") -> str:
    """Return the value of a search parameter that means an identifier, or all of a system."""
    return "|".join(_SPECIAL.sub(r"\\\1", part) for part in (system, value))


async def owner_of(connection: DatabaseConnection, system: str) -> int | None:
    """Return the key of the organisation that alone gives numbers of a system, `NOBODY`, or None when anybody may."""
    rows = await connection.fetch(_REGISTERED, {"system": forms(system)[0]})
    if rows:
        return int(rows[0][0])
    number = institution_of(system)
    if not number:
        return None
    rows = await connection.fetch(_BY_NUMBER, {"number": number})
    return int(rows[0][0]) if rows else NOBODY


async def recognised(request: Request, system: str) -> bool:
    """Return whether a domain is known: to the directory, by JP Core, or by a Patient that exists for the caller.

    What is hidden makes no domain known, so that the answer tells nothing of it.
    """
    record = request.record
    if len(forms(system)) > 1 and not institution_of(system):
        return True
    if await owner_of(record.connection, system) not in (None, NOBODY):
        return True
    query = read_query(request.hub, "Patient", [("identifier", token_of(system))])
    found = await search(record.connection, record.visibility, query, patient_keys, limit=1)
    return bool(found.matches)


async def add_domain(connection: DatabaseConnection, system: str, organisation_key: int) -> None:
    """Note that an organisation alone gives numbers of a system, whoever did before."""
    await remove_domain(connection, system)
    await connection.insert(identifier_domain, [(forms(system)[0], organisation_key)])


async def remove_domain(connection: DatabaseConnection, system: str) -> int:
    """Forget whose numbers a system has; return whether that was known."""
    return await connection.execute(_REMOVE, {"k_system": forms(system)[0]})


async def domains(connection: DatabaseConnection) -> Sequence[tuple[str, str]]:
    """Return the systems that were entered, each with the slug of its organisation."""
    return [(str(system), str(slug)) for system, slug in await connection.fetch(_ALL, {})]
