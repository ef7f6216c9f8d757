"""Whose request waits: of such a person nothing is removed, at whichever site it is kept."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Text, bindparam, select

from app.db import DatabaseConnection
from app.identity.tables import person_patient
from app.subject_rights.case import WAITING
from app.subject_rights.tables import rights_case
from fhir.search.hashing import hash64
from fhir.store.in_order import by_hash
from fhir.store.tables import resource, resource_id
from fhir.store.types import NUMBERS

_waits = rights_case.c.state.in_([bindparam(f"s{number}", state, type_=Text) for number, state in enumerate(WAITING)])
_WAITING = select(rights_case.c.patient).where(_waits, rights_case.c.patient != "").distinct()
_OF_PATIENT = select(rights_case.c.number).where(rights_case.c.patient == bindparam("id", type_=Text), _waits).limit(1)
_one, _other = person_patient.alias("held_one"), person_patient.alias("held_other")
_KEYS = (
    select(_other.c.patient_key)
    .select_from(by_hash(resource))
    .join(_one, _one.c.patient_key == resource.c.patient_key)
    .join(_other, _other.c.person == _one.c.person)
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == NUMBERS["Patient"],
        resource.c.id == bindparam("id", type_=Text),
    )
)
_IDS = (
    select(resource.c.id)
    .select_from(_one)
    .join(_other, _other.c.person == _one.c.person)
    .join(resource, (resource.c.patient_key == _other.c.patient_key) & (resource.c.row == _other.c.patient_key))
    .where(_one.c.patient_key == bindparam("key", type_=BigInteger), resource.c.type == NUMBERS["Patient"])
)


async def waiting_patients(connection: DatabaseConnection) -> frozenset[int]:
    """Return the keys of the Patients, of all sites, of each person with a request that waits."""
    found: set[int] = set()
    for (id_,) in await connection.fetch(_WAITING, {}):
        rows = await connection.fetch(_KEYS, {"hash": hash64(f"Patient/{id_}"), "id": str(id_)})
        found |= {int(key) for (key,) in rows}
    return frozenset(found)


async def _waits_for(connection: DatabaseConnection, patient_key: int) -> bool:
    rows: Sequence[Sequence[str]] = await connection.fetch(_IDS, {"key": patient_key})
    for (id_,) in rows:
        if await connection.fetch(_OF_PATIENT, {"id": str(id_)}):
            return True
    return False


async def held_of(connection: DatabaseConnection, patient_keys: frozenset[int]) -> frozenset[int]:
    """Return those of some Patients whose person has a request that waits by now."""
    return frozenset([key for key in sorted(patient_keys) if await _waits_for(connection, key)])
