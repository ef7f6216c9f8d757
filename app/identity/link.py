"""Linking the sites' Patients to persons, automatically only where it is certain.

Certain here: the same 被保険者番号, if it is one person's alone, the same birth date and the same gender.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, bindparam, select, update

from app.consent.tables import consent_grant
from app.db import DatabaseConnection
from app.identity.tables import person_patient
from fhir.resource import parse
from fhir.search.hashing import hash64
from fhir.spec.search_parameters import parameters
from fhir.store.stored import Stored
from fhir.store.tables import index_token, resource, resource_version

MEMBER_ID = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID"

INSURER_OF_THE_ELDERLY = "39"
"""How the numbers of insurers of 後期高齢者医療 begin (法別番号)."""

_IDENTIFIER = parameters("Patient")["identifier"].id

_SAME_MEMBER = (
    select(resource.c.patient_key, person_patient.c.person, resource_version.c.body)
    .select_from(index_token)
    .join(
        resource,
        (resource.c.patient_key == index_token.c.patient_key)
        & (resource.c.row == index_token.c.row)
        & (resource.c.version == index_token.c.version),
    )
    .join(
        resource_version,
        (resource_version.c.patient_key == resource.c.patient_key)
        & (resource_version.c.row == resource.c.row)
        & (resource_version.c.version == resource.c.version),
    )
    .join(person_patient, person_patient.c.patient_key == resource.c.patient_key)
    .where(
        index_token.c.parameter == _IDENTIFIER,
        index_token.c.code_hash == bindparam("code_hash", type_=BigInteger),
        index_token.c.system_hash == hash64(MEMBER_ID),
        resource.c.deleted == 0,
    )
)
_LINK = (
    update(person_patient)
    .where(person_patient.c.person == bindparam("k_person", type_=BigInteger))
    .values(person=bindparam("n_person", type_=BigInteger))
)
_MOVE_GRANTS = (
    update(consent_grant)
    .where(consent_grant.c.person == bindparam("k_person", type_=BigInteger))
    .values(person=bindparam("n_person", type_=BigInteger))
)


def member_id(patient: dict[str, Any]) -> str | None:
    """Return the 被保険者番号 of a Patient if it is one person's alone.

    It is when it has a branch number; without one a household shares it, but for insurers of the elderly
    (後期高齢者医療, whose numbers begin with 39), which insure each person singly.
    """
    for identifier in patient.get("identifier", ()):
        value = str(identifier.get("value", ""))
        single = bool(value.rpartition(":")[2]) or value.startswith(INSURER_OF_THE_ELDERLY)
        if identifier.get("system") == MEMBER_ID and single:
            return value
    return None


def _is_certain(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one.get(name) is not None and one.get(name) == other.get(name) for name in ("birthDate", "gender"))


async def link(connection: DatabaseConnection, person: int, other: int) -> None:
    """Make two persons one: every Patient and every Consent of `other` is one of `person` from now on."""
    both = {"k_person": other, "n_person": person}
    await connection.execute(_LINK, both)
    await connection.execute(_MOVE_GRANTS, both)


async def link_new_patients(connection: DatabaseConnection, written: Iterable[Stored]) -> None:
    """Link each Patient among `written` that is new to the person it certainly is."""
    for stored in written:
        if stored.type != "Patient" or stored.deleted or stored.version > 1:
            continue
        patient = parse(stored.body)
        number = member_id(patient)
        if number is None:
            continue
        rows = await connection.fetch(_SAME_MEMBER, {"code_hash": hash64(number)})
        for patient_key, person, body in rows:
            if patient_key != stored.patient_key and _is_certain(patient, parse(bytes(body))):
                await link(connection, person, stored.patient_key)
                break
