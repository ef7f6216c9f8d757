"""Persons and their Patients: who is whom, and under which numbers a site knows a person."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, Text, bindparam, select

from app.access.tables import organisation
from app.db import DatabaseConnection
from app.db.padded import padded, parameters
from app.identity.tables import person_patient
from fhir.resource import parse
from fhir.search.hashing import hash64
from fhir.spec.identifier_systems import forms, institution_of
from fhir.store.connection import Visibility
from fhir.store.in_order import by_hash, in_order
from fhir.store.read import COLUMNS, stored
from fhir.store.statements import by_shape
from fhir.store.stored import Stored
from fhir.store.tables import CURRENT_VERSION, resource, resource_id, resource_version
from fhir.store.types import NUMBERS

MOST_MEMBERS = 200
"""Patients of one person that are looked at."""

AT_ONCE = 256
"""Patients whose persons are looked up by one statement."""

_PERSON = select(person_patient.c.person).where(
    person_patient.c.patient_key == bindparam("patient_key", type_=BigInteger)
)
_KEY = (
    select(resource.c.patient_key)
    .select_from(by_hash(resource))
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == NUMBERS["Patient"],
        resource.c.id == bindparam("id", type_=Text),
    )
)
_MEMBERS = (
    select(person_patient.c.patient_key)
    .where(person_patient.c.person == bindparam("person", type_=BigInteger))
    .order_by(person_patient.c.patient_key)
)
_NUMBERS = select(organisation.c.key, organisation.c.number).where(organisation.c.number != "")


_ALL = (
    select(*COLUMNS)
    .select_from(
        in_order(
            in_order(
                person_patient,
                resource,
                (resource.c.patient_key == person_patient.c.patient_key)
                & (resource.c.row == person_patient.c.patient_key),
            ),
            resource_version,
            CURRENT_VERSION,
        )
    )
    .where(
        person_patient.c.patient_key > bindparam("after", type_=BigInteger),
        resource.c.type == NUMBERS["Patient"],
        resource.c.deleted == 0,
    )
    .order_by(person_patient.c.patient_key)
    .limit(bindparam("count", type_=Integer))
)


@by_shape
def _patients(visibility: Visibility) -> Select[tuple[object, ...]]:
    """Return the Patients of a person that exist for the caller."""
    return (
        select(*COLUMNS)
        .select_from(person_patient)
        .join(
            resource,
            (resource.c.patient_key == person_patient.c.patient_key) & (resource.c.row == person_patient.c.patient_key),
        )
        .join(resource_version, CURRENT_VERSION)
        .where(
            person_patient.c.person == bindparam("person", type_=BigInteger),
            resource.c.type == NUMBERS["Patient"],
            resource.c.deleted == 0,
            visibility.condition(resource),
        )
        .order_by(resource.c.row)
        .limit(MOST_MEMBERS)
    )


async def patient_key_of(connection: DatabaseConnection, id_: str) -> int | None:
    """Return the key of the Patient with an id, of whatever site, deleted or not; None when there is none."""
    rows = await connection.fetch(_KEY, {"hash": hash64(f"Patient/{id_}"), "id": id_})
    return int(rows[0][0]) if rows else None


async def person_of(connection: DatabaseConnection, patient_key: int) -> int | None:
    """Return the person that a Patient is; None when there is no such Patient."""
    rows = await connection.fetch(_PERSON, {"patient_key": patient_key})
    return int(rows[0][0]) if rows else None


@lru_cache(maxsize=16)
def _persons(count: int) -> Select[tuple[int, int]]:
    keys = parameters("key", count, BigInteger)
    return select(person_patient.c.patient_key, person_patient.c.person).where(person_patient.c.patient_key.in_(keys))


async def persons_of(connection: DatabaseConnection, patient_keys: Sequence[int]) -> dict[int, int]:
    """Return which person each Patient is, by their keys; those that are gone are missing."""
    found: dict[int, int] = {}
    for start in range(0, len(patient_keys), AT_ONCE):
        values = padded("key", patient_keys[start : start + AT_ONCE])
        rows = await connection.fetch(_persons(len(values)), values)
        found |= {int(key): int(person) for key, person in rows}
    return found


async def members(connection: DatabaseConnection, person: int) -> list[int]:
    """Return the keys of all Patients of a person, the smallest first."""
    return [int(key) for (key,) in await connection.fetch(_MEMBERS, {"person": person})]


async def patients_of(connection: DatabaseConnection, visibility: Visibility, person: int) -> list[Stored]:
    """Return the Patients of a person that exist under `visibility`, no more than `MOST_MEMBERS`."""
    rows = await connection.fetch(_patients(visibility), {"person": person, **visibility.values})
    return [stored(row) for row in rows]


async def all_patients(connection: DatabaseConnection, after: int, count: int) -> list[Stored]:
    """Return Patients of all sites in the order of their rows, for the index itself."""
    return [stored(row) for row in await connection.fetch(_ALL, {"after": after, "count": count})]


async def identifiers_of(
    connection: DatabaseConnection, visibility: Visibility, person: int, domain: str | None = None
) -> list[tuple[Stored, dict[str, Any]]]:
    """Return the identifiers of a person that exist under `visibility`, each with the Patient that has it.

    Args:
        connection: Where to read.
        visibility: Whose world it is.
        person: The person.
        domain: Only those of this system, in any of its forms. Of a site's patient numbers (R1010 of JP-CLINS) only
            those are answered that the site itself states: another site's word for them is hearsay.
    """
    owners = {str(number): int(key) for key, number in await connection.fetch(_NUMBERS, {})}
    wanted = None if domain is None else forms(domain)[0]
    found: list[tuple[Stored, dict[str, Any]]] = []
    for patient in await patients_of(connection, visibility, person):
        for one in _identifiers(patient):
            system = forms(one["system"])[0]
            owner = owners.get(institution_of(system), patient.custodian)
            if wanted in (None, system) and owner == patient.custodian:
                found.append((patient, one))
    return found


def _identifiers(patient: Stored) -> Sequence[dict[str, Any]]:
    stated = parse(patient.body).get("identifier", ())
    return [one for one in stated if isinstance(one.get("system"), str) and isinstance(one.get("value"), str)]
