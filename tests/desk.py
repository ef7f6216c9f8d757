"""Accesses for tests of the auditor's desk: who looked at whom, and when in Japan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from app.audit.desk import kinds
from app.audit.desk.flags import Flag, Wanted, flags
from app.audit.desk.watch import look_through
from app.audit.record import Event
from app.audit.review import Reviewer, state
from app.audit.tables import audit_leaf, audit_record
from app.clock import DAY
from app.db import DatabaseConnection
from fhir.store.tables import resource
from tests.world import World, a_patient

HOUR = 3_600_000_000


@dataclass(frozen=True)
class Known:
    """A Patient that is stored."""

    id: str
    key: int
    site: str

    @property
    def reference(self) -> str:
        return f"Patient/{self.id}"


class Counting:
    """A reader that counts the rows of each statement."""

    def __init__(self, reader: DatabaseConnection) -> None:
        self._reader = reader
        self.rows: list[int] = []

    async def fetch(self, statement: Any, values: Mapping[str, Any]) -> Sequence[Any]:
        found = await self._reader.fetch(statement, values)
        self.rows.append(len(found))
        return found


async def a_known(world: World, site: str = "hospital-a", **fields: Any) -> Known:
    """Store a Patient of a site."""
    id_ = (await world.post(await world.client(site), a_patient(**fields)))["id"]
    rows = await world.hub.database.reader.fetch(select(resource.c.patient_key).where(resource.c.id == id_), {})
    return Known(id_, int(rows[0][0]), site)


def at(world: World, hour: float, *, days_ago: int = 0) -> int:
    """Return an hour of today in Japan, or of a day before, in microseconds since 1970 UTC."""
    today = kinds.day_of(world.hub.clock()) - days_ago
    return today * DAY - 9 * HOUR + int(hour * HOUR)


def a_look(world: World, patient: Known, user: str = "tanaka", **fields: Any) -> Event:
    """Return the event of somebody of the clinic who has opened a Patient at noon."""
    known: dict[str, Any] = {
        "recorded": at(world, 12),
        "action": "R",
        "interaction": "read",
        "patient": patient.reference,
        "patient_key": patient.key,
        "custodian": f"Organization/{patient.site}",
        "organisation": "Organization/clinic-c",
        "user": user,
        "user_name": "田中 花子",
        "role": "doctor",
        "client": "portal",
        "purpose": "TREAT",
    }
    return Event(**(known | fields))


async def looked(world: World, *events: Event) -> list[Flag]:
    """Put events on record, look through the log, and return all flags, the oldest first."""
    reviewer = Reviewer(world.hub.audit.keys)
    if events:
        await world.hub.audit.append(events)
    await world.hub.leader.integrate_all()
    await look_through(world.hub, reviewer)
    found, _ = await flags(world.hub.database.reader, reviewer, Wanted(state="all"), limit=1_000)
    return list(reversed(found))


async def kinds_after(world: World, *events: Event) -> list[tuple[str, str]]:
    """Return the kind of each flag, and who it is about, the first access to a site left out."""
    found = await looked(world, *events)
    return [(one.kind, str(one.event and one.event.user)) for one in found if one.kind != kinds.FIRST_ACCESS]


def canonical(members: dict[str, Any]) -> bytes:
    """Return a record of these members."""
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


async def a_grown_log(world: World, *records: bytes, row: int = 0) -> int:
    """Append leaves with these records, as somebody with the database could, and return how many there are then.

    Args:
        world: Whose log.
        records: What is appended.
        row: The number of the first; the present by default.
    """
    size = (await state(world.hub.database.reader)).size
    numbered = [(size + place, row + place if row else world.hub.new_row(), one) for place, one in enumerate(records)]
    async with world.hub.database.write() as connection:
        await connection.insert(audit_record, [(number, record) for _, number, record in numbered])
        await connection.insert(audit_leaf, [(leaf, number, b"") for leaf, number, _ in numbered])
    return size + len(records)
