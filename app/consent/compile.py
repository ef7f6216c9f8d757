"""Compiles Consents to grants, in the transaction that writes the Consent."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, select, union

from app.access import epoch
from app.consent.data import RECORDED as OF_DATA
from app.consent.enforceable import unenforceable
from app.consent.majority import permits_end
from app.consent.parties import ACCOUNT_SYSTEM, parties
from app.consent.provisions import RECORDED, Rule, rules
from app.consent.scope import Find
from app.consent.tables import ANY, DENY, consent_grant
from app.db import DatabaseConnection
from app.identity.tables import person_patient
from app.records.given_in_place import given_in_place
from fhir.errors import Unprocessable
from fhir.resource import parse
from fhir.search.date import MAX
from fhir.search.hashing import hash64
from fhir.search.reference import target
from fhir.store.in_order import by_hash, in_order
from fhir.store.stored import Stored
from fhir.store.tables import CURRENT_VERSION, resource, resource_id, resource_patient, resource_version
from fhir.store.types import NUMBERS

__all__ = ["ACCOUNT_SYSTEM", "compile_consents"]

_SUBJECT = (
    select(person_patient.c.person, resource_version.c.body)
    .select_from(
        in_order(
            in_order(by_hash(resource), person_patient, person_patient.c.patient_key == resource.c.patient_key),
            resource_version,
            CURRENT_VERSION,
        )
    )
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == NUMBERS["Patient"],
        resource.c.id == bindparam("id", type_=Text),
    )
)
_PERSONS = union(
    select(person_patient.c.person).where(person_patient.c.patient_key == bindparam("patient_key", type_=BigInteger)),
    select(person_patient.c.person)
    .join(resource_patient, resource_patient.c.patient_key == person_patient.c.patient_key)
    .where(resource_patient.c.row == bindparam("row", type_=BigInteger)),
)
_FORGET = delete(consent_grant).where(
    consent_grant.c.person == bindparam("person", type_=BigInteger),
    consent_grant.c.consent == bindparam("consent", type_=BigInteger),
)
_log = logging.getLogger("renkei.consent")

EVERYTHING_DENIED = replace(RECORDED, effect=DENY, data_to=MAX, ends=MAX)
"""What a Consent comes to of which a part cannot be enforced and which cannot be refused any more."""


async def _subject(connection: DatabaseConnection, consent: Mapping[str, Any], base_url: str) -> tuple[int, Any] | None:
    """Return the person whose Consent it is and the Patient that it names, which may be one of several."""
    link = target(consent.get("patient", {}).get("reference", ""), base_url)
    rows = await connection.fetch(_SUBJECT, {"hash": hash64(link), "id": link.partition("/")[2]})
    return (int(rows[0][0]), parse(bytes(rows[0][1]) or b"{}")) if rows else None


def _compiled(
    consent: Mapping[str, Any], patient: Mapping[str, Any], find: Find, base_url: str, majority: int, refuse: bool
) -> list[Rule]:
    """Return the rules of a Consent.

    Raises:
        Unprocessable: a part of it cannot be enforced, and `refuse` holds.
    """
    link = partial(target, base_url=base_url)
    issues = unenforceable(consent, find, link)
    if not issues:
        return rules(consent, find, link, permits_end=permits_end(consent, patient, majority))
    if refuse:
        raise Unprocessable("A part of the Consent cannot be enforced", issues=issues)
    _log.warning("A Consent that is stored cannot be enforced and counts as a denial: %s", issues[0].expression)
    return [EVERYTHING_DENIED]


async def compile_consents(
    connection: DatabaseConnection,
    written: Sequence[Stored],
    *,
    base_url: str = "",
    majority: int = 0,
    refuse: bool = True,
) -> None:
    """Replace the grants of each Consent among `written`.

    Args:
        connection: Inside the write transaction, after the Consents were written and their Patients linked.
        written: What was written: Consents, and Patients in whose place somebody has given one; the rest is left out.
        base_url: The server's own FHIR address.
        majority: The age in years at which what was permitted in a minor's place ends; 0 for never.
        refuse: Whether a Consent of which a part cannot be enforced is refused; without it, it denies everything.

    Raises:
        Unprocessable: a Consent is active and a part of it cannot be enforced, or it comes to too many rules.
    """
    consents = [stored for stored in written if stored.type == "Consent"]
    known = {stored.row for stored in consents}
    consents += [stored for stored in await given_in_place(connection, written) if stored.row not in known]
    bodies = {stored.row: parse(stored.body) for stored in consents if not stored.deleted}
    find = await parties(connection, bodies.values(), base_url) if bodies else None
    for stored in consents:
        said = await _take_back(connection, stored)
        if find is None or stored.deleted:
            # That the person has recorded one stays.
            rows = [(person, stored.row, 0, *astuple(RECORDED)) for person in said]
        else:
            consent = bodies[stored.row]
            person, patient = await _subject(connection, consent, base_url) or (0, {})
            # Whoever corrects a birth date has not written the Consent.
            found = _compiled(consent, patient, find, base_url, majority, refuse and stored.row in known)
            rows = [(person, stored.row, number, *astuple(rule)) for number, rule in enumerate(found) if person]
            if any(rule.data != ANY for rule in found):
                await _of_data(connection)
        await connection.insert(consent_grant, rows)


async def _of_data(connection: DatabaseConnection) -> None:
    """Let every decision from now on ask about single resources, in every process.

    The counter never goes back: a caller that was found before it was 1 has an older epoch.
    """
    if await epoch.value(connection, OF_DATA) == 0:
        await epoch.set_value(connection, OF_DATA, 1)
        await epoch.grow(connection)


async def _take_back(connection: DatabaseConnection, stored: Stored) -> list[int]:
    """Take back what a Consent decides and return the persons for whom it decided anything."""
    persons = await connection.fetch(_PERSONS, {"patient_key": stored.patient_key, "row": stored.row})
    values = [{"person": int(person), "consent": stored.row} for (person,) in persons]
    return [one["person"] for one in values if await connection.execute(_FORGET, one)]
