"""The decision of IHE PCF about a token for one patient, by the Consents that the person has now.

Whom a Consent names is found as the grants find it (`app.consent.parties`), so the two cannot differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, select

from app.access.caller import Caller
from app.consent.decide import implies
from app.consent.of_person import CONSENTS
from app.consent.parties import parties
from app.consent.residual import Asking, Refusal, residual
from app.consent.scope import Find
from app.consent.tables import ANY
from app.db import DatabaseConnection
from app.hub import Hub
from app.identity.same_person import OF_PATIENT
from fhir.resource import parse
from fhir.search.reference import target
from fhir.store.tables import CURRENT_VERSION, resource, resource_version

MOST_CONSENTS = 1_000
"""Consents of one person that are looked at."""

_CONSENTS = (
    select(resource_version.c.body)
    .select_from(CONSENTS)
    .join(resource_version, CURRENT_VERSION)
    .where(OF_PATIENT, resource.c.deleted == 0)
    .limit(MOST_CONSENTS)
)
_PATIENT = (
    select(resource_version.c.body)
    .select_from(resource)
    .join(resource_version, CURRENT_VERSION)
    .where(
        resource.c.patient_key == bindparam("patient_key", type_=BigInteger),
        resource.c.row == bindparam("patient_key", type_=BigInteger),
    )
)


class Named(NamedTuple):
    """A Patient that a token is about."""

    key: int
    id: str


def _receivers(provision: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for actor in provision.get("actor", ()):
        yield actor.get("reference", {})
    for inner in provision.get("provision", ()):
        yield from _receivers(inner)


def _who(consents: Sequence[Mapping[str, Any]], find: Find, caller: Caller, base_url: str) -> frozenset[str]:
    """Return all that the Consents call the caller."""
    found: set[str] = set()
    for consent in consents:
        for reference in _receivers(consent.get("provision", {})):
            party = find(reference)
            if party and party.site in (ANY, caller.organisation) and party.person in (ANY, caller.account):
                found |= {
                    target(reference.get("reference", ""), base_url),
                    reference.get("identifier", {}).get("value", ""),
                }
    return frozenset(found - {""})


def all_forbidden(hub: Hub, patient: Named) -> dict[str, Any]:
    """Return the extension of a token that no consent permits anything: to other servers all is forbidden."""
    address = f"{hub.settings.fhir_address}/Patient/{patient.id}"
    return {"patient_id": address, "residual": [{"type": "forbid"}]}


async def pcf_decision(
    hub: Hub, connection: DatabaseConnection, caller: Caller, patient: Named
) -> dict[str, Any] | Refusal:
    """Return the value of `ihe_pcf` for a caller and a patient, or why there is no token.

    Args:
        hub: The running hub.
        connection: Where to read.
        caller: Who asks; the purpose of use is the caller's.
        patient: Whose record.
    """
    rows = await connection.fetch(_CONSENTS, {"patient_key": patient.key})
    consents = [parse(bytes(body)) for (body,) in rows if body]
    bodies = await connection.fetch(_PATIENT, {"patient_key": patient.key})
    settings = hub.settings
    base_url = settings.fhir_address
    find = await parties(connection, consents, base_url)
    asking = Asking(
        who=_who(consents, find, caller, base_url),
        purpose=caller.purpose,
        now=hub.clock(),
        patient={**parse(bytes(bodies[0][0]) or b"{}"), "id": patient.id} if bodies else {"id": patient.id},
        base_url=base_url,
        implied=implies(settings.consent, caller.purpose),
        majority=settings.majority,
    )
    return residual(consents, asking)
