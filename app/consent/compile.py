"""Compiles Consents to grants, in the transaction that writes the Consent."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, select

from app.access.tables import account, organisation
from app.consent.provisions import NOBODY, Who, rules
from app.consent.tables import consent_grant
from app.db import DatabaseConnection
from app.identity.tables import person_patient
from fhir.resource import parse
from fhir.store.stored import Stored

_PERSON = select(person_patient.c.person).where(person_patient.c.patient_key == bindparam("patient_key"))
_FORGET = delete(consent_grant).where(
    consent_grant.c.person == bindparam("person", type_=BigInteger),
    consent_grant.c.consent == bindparam("consent", type_=BigInteger),
)
_ORGANISATIONS = select(organisation.c.resource_id, organisation.c.number, organisation.c.slug, organisation.c.key)
_ACCOUNTS = select(account.c.name, account.c.key)

ACCOUNT_SYSTEM = "http://renkei.example/fhir/NamingSystem/account"
"""Identifiers of people in references: the names of their accounts."""


async def _directory(connection: DatabaseConnection) -> Who:
    """Return a function that finds the sites and people that a Consent names."""
    by_id: dict[str, int] = {}
    by_number: dict[str, int] = {}
    for resource_id, number, slug, key in await connection.fetch(_ORGANISATIONS, {}):
        by_id[f"Organization/{resource_id}"] = key
        by_number[slug] = key
        if number:
            by_number[number] = key
    people: dict[str, int] = {row[0]: row[1] for row in await connection.fetch(_ACCOUNTS, {})}

    def who(reference: Mapping[str, Any]) -> tuple[str, int]:
        identifier = reference.get("identifier", {})
        if identifier.get("system") == ACCOUNT_SYSTEM:
            return "account", people.get(identifier.get("value", ""), NOBODY)
        text = "/".join(reference.get("reference", "").split("/")[-2:])
        if text in by_id:
            return "organisation", by_id[text]
        return "organisation", by_number.get(identifier.get("value", ""), NOBODY)

    return who


async def compile_consents(connection: DatabaseConnection, written: Iterable[Stored]) -> None:
    """Replace the grants of each Consent among `written`.

    Raises:
        Unprocessable: a Consent comes to too many rules.
    """
    consents = [stored for stored in written if stored.type == "Consent" and stored.patient_key > 0]
    if not consents:
        return
    who = await _directory(connection)
    for stored in consents:
        person = (await connection.fetch(_PERSON, {"patient_key": stored.patient_key}))[0][0]
        await connection.execute(_FORGET, {"person": person, "consent": stored.row})
        found = [] if stored.deleted else rules(parse(stored.body), who)
        rows = [(person, stored.row, number, *astuple(rule)) for number, rule in enumerate(found)]
        await connection.insert(consent_grant, rows)
