"""Breaking the glass: the case, whom it is told, and the record of it, in one transaction, before anything is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from app.access import epoch
from app.access.caller import Caller
from app.access.events import by, event
from app.access.tables import organisation
from app.audit.record import Event
from app.clock import instant
from app.consent.break_glass.held import open_cases
from app.consent.break_glass.purpose import PURPOSE
from app.consent.break_glass.tables import OPEN, TOLD, break_glass, break_glass_site
from app.db import DatabaseConnection, WriteConnection
from app.hub import Hub
from app.identity.same_person import OF_PATIENT, OTHER, SAME_PERSON
from fhir.errors import Conflict
from fhir.store.stored import Stored
from fhir.store.tables import resource

MOST_OPEN = 20
"""Cases that one session has open at once."""

_PATIENTS = (
    select(resource.c.patient_key, resource.c.id, resource.c.custodian)
    .select_from(SAME_PERSON)
    .join(resource, (resource.c.patient_key == OTHER.c.patient_key) & (resource.c.row == OTHER.c.patient_key))
    .where(OF_PATIENT)
    .order_by(resource.c.patient_key)
)
_OFFICES = select(organisation.c.key).where(organisation.c.kind == "secretariat")


@dataclass(frozen=True, slots=True)
class Breaking:
    """Who breaks the glass for whom, and why."""

    caller: Caller
    """A person who may; of a system, with the name and the role that it tells of its person."""
    holder: bytes
    """The digest of the session or the token that records are opened for."""
    patient: Stored
    """A Patient that exists for the caller."""
    code: str
    reason: str
    """The reason, checked."""


@dataclass(frozen=True, slots=True)
class Known:
    """A Patient of the person."""

    key: int
    id: str
    custodian: int


async def patients_of(connection: DatabaseConnection, patient_key: int) -> Sequence[Known]:
    """Return every site's Patient of the person who has this one."""
    return [Known(*row) for row in await connection.fetch(_PATIENTS, {"patient_key": patient_key})]


async def _told(connection: DatabaseConnection, own: int, patients: Sequence[Known]) -> dict[int, tuple[int, str]]:
    """Return whether each organisation that is told discloses, and how the case stands there.

    The sites that know the person are asked for a verdict; where there is none, the secretariat is.
    """
    sites = {one.custodian for one in patients} - {own}
    found = dict.fromkeys(sites, (1, OPEN))
    for (office,) in await connection.fetch(_OFFICES, {}):
        found.setdefault(office, (0, TOLD if sites else OPEN))
    return found


async def begin(hub: Hub, connection: WriteConnection, what: Breaking, *, network: str, path: str) -> int:
    """Open the records of a person for a session or a token, inside a write transaction; return the case's number.

    Every site that knows the person, and the secretariat, are told in the same transaction, and it is on record with
    each of the person's Patients.

    Raises:
        Conflict: too many cases are open.
    """
    caller, now, number = what.caller, hub.clock(), hub.new_row()
    if len(await open_cases(connection, what.holder, now)) >= MOST_OPEN:
        raise Conflict(f"At most {MOST_OPEN} cases are open at once: end one first")
    patients = await patients_of(connection, what.patient.patient_key)
    told = await _told(connection, caller.organisation, patients)
    ends = now + hub.settings.break_glass_minutes * 60_000_000
    who = (caller.organisation, caller.account, caller.client, caller.user, caller.user_title, caller.role)
    row = (number, what.holder, what.patient.patient_key, what.patient.id, *who, what.code, what.reason)
    await connection.insert(break_glass, [(*row, now, ends, 0, "")])
    sites = [(number, site, discloses, state, now, 0, "") for site, (discloses, state) in told.items()]
    await connection.insert(break_glass_site, sites)
    await epoch.grow(connection)
    text = f"Break-glass until {instant(ends)}: {what.code}: {what.reason}"
    about = event_of(hub, caller, network=network, path=path, description=text)
    events = [await _with(hub, about, one) for one in patients]
    await hub.audit.stage(connection, events or [about])
    return number


async def _with(hub: Hub, event: Event, patient: Known) -> Event:
    custodian = await hub.organisation_reference(patient.custodian)
    return event._replace(patient=f"Patient/{patient.id}", patient_key=patient.key, custodian=custodian)


def event_of(hub: Hub, caller: Caller, *, network: str, path: str, **fields: str) -> Event:
    """Return the event that somebody breaks the glass, or is refused, without a patient."""
    about = {**by(caller), "purpose": PURPOSE, **fields}
    return event(hub, "break-glass", network=network, path=path, client=caller.client, **about)
