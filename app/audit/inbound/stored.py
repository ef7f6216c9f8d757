"""Received events at rest: sealed under the hub's key of the year, found by HMACs, anchored in the hub's own log.

What a system sent is kept byte for byte. That it came, from whom, and its SHA-256 is a record of the hub's log, in the
same transaction: so nobody can alter what was received, or remove it, without its being seen.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import BigInteger, Integer, Select, SmallInteger, and_, bindparam, or_, select

from app.access.tables import organisation
from app.audit.atna.from_dicom import from_dicom
from app.audit.balp import Observer
from app.audit.inbound.tables import KINDS, received_event, received_index
from app.audit.keys import Keys
from app.audit.record import Event, year_of
from app.db import DatabaseConnection

if TYPE_CHECKING:
    from app.hub import Hub

NONCE_BYTES = 12
_KEY = BigInteger()


@dataclass(frozen=True, slots=True)
class Source:
    """Who sends audit events.

    Attributes:
        organisation: The key of its organisation.
        reference: `Organization/<id>` of it.
        client: The client's id.
        network: The address it sends from.
    """

    organisation: int
    reference: str
    client: str
    network: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """One event as it came.

    Attributes:
        form: `fhir` or `syslog`.
        body: The AuditEvent as JSON, or the XML of DICOM's audit message.
        recorded: When it says it happened, in microseconds since 1970 UTC.
        patients: `Patient/<id>` and values of identifiers of the patients it names.
        agents: References and values of identifiers of the agents it names.
    """

    form: str
    body: bytes
    recorded: int
    patients: frozenset[str]
    agents: frozenset[str]


@dataclass(frozen=True, slots=True)
class Received:
    """One event as it is kept."""

    row: int
    recorded: int
    client: str
    form: str
    body: bytes
    slug: str

    def resource(self, observer: Observer) -> dict[str, Any]:
        """Return it as an AuditEvent whose `meta.source` says who sent it."""
        made = from_dicom(self.body, self.recorded) if self.form == "syslog" else orjson.loads(self.body)
        source = f"{observer.address.removesuffix('/fhir')}/atna/{self.slug}/{self.client}"
        meta = {**made.get("meta", {}), "source": source}
        return {**made, "resourceType": "AuditEvent", "id": f"received-{self.row}", "meta": meta}


def _sealed(keys: Keys, arrived: Arrived) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    cipher = keys.hub_cipher(year_of(arrived.recorded), keys.current)
    return bytes([keys.current]) + nonce + cipher.encrypt(nonce, arrived.body, _about(arrived.recorded, arrived.form))


def _about(recorded: int, form: str) -> bytes:
    return f"received\0{recorded}\0{form}".encode()


def _opened(keys: Keys, recorded: int, form: str, sealed: bytes) -> bytes:
    cipher = keys.hub_cipher(year_of(recorded), sealed[0])
    return bytes(cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], _about(recorded, form)))


def _hashes(keys: Keys, kind: str, value: str, years: range, ring: Sequence[int]) -> list[int]:
    return [keys.pseudonym(f"received-{kind}", value, year, key)[1] for year in years for key in ring]


async def store(hub: "Hub", source: Source, arrived: Sequence[Arrived]) -> list[int]:
    """Keep events and return their numbers; they are durable, and so is the record of their coming.

    Raises:
        DatabaseUnavailable: they are not kept.
    """
    keys = hub.audit.keys
    rows, index, names = [], set(), []
    for one in arrived:
        row, digest = hub.new_row(), hashlib.sha256(one.body).digest()
        rows.append(
            (row, source.organisation, source.client, one.form, one.recorded, digest, _sealed(keys, one)),
        )
        names.append(f"urn:sha-256:{digest.hex()}")
        year = year_of(one.recorded)
        for kind, values in (("patient", one.patients), ("agent", one.agents)):
            for value in values:
                (hashed,) = _hashes(keys, kind, value, range(year, year + 1), [keys.current])
                index.add((KINDS[kind], hashed, row))
    event = Event(
        recorded=hub.clock(),
        action="C",
        interaction="audit-received",
        client=source.client,
        organisation=source.reference,
        network=source.network or None,
        entities=tuple(names),
        description=f"{len(rows)} audit events of another system",
    )
    async with hub.database.write() as connection:
        await connection.insert(received_event, rows)
        if index:
            await connection.insert(received_index, sorted(index))
        await hub.audit.stage(connection, [event])
    return [row[0] for row in rows]


_COLUMNS = (
    *(received_event.c.row, received_event.c.recorded, received_event.c.client, received_event.c.form),
    *(received_event.c.sealed, organisation.c.slug),
)


_when, _row = received_event.c.recorded, received_event.c.row
_BY_TIME = (
    _when >= bindparam("begins", type_=_KEY),
    _when < bindparam("ends", type_=_KEY),
    or_(
        _when < bindparam("recorded", type_=_KEY),
        and_(_when == bindparam("recorded", type_=_KEY), _row < bindparam("row", type_=_KEY)),
    ),
)
_BY_ARRIVAL = (
    _row >= bindparam("first", type_=_KEY),
    _row < bindparam("last", type_=_KEY),
    _row < bindparam("row", type_=_KEY),
)


@lru_cache(maxsize=64)
def _page(patients: int, agents: int, *, of_site: bool = False, by_arrival: bool = False) -> Select[Any]:
    """Return the select of a page, for a question that names a patient and an agent by so many HMACs each."""
    statement = (
        select(*_COLUMNS)
        .join(organisation, organisation.c.key == received_event.c.organisation)
        .where(*(_BY_ARRIVAL if by_arrival else _BY_TIME))
    )
    for kind, count in (("patient", patients), ("agent", agents)):
        if count:
            hashes = [bindparam(f"{kind}{number}", type_=_KEY) for number in range(count)]
            found = select(received_index.c.row).where(
                received_index.c.kind == bindparam(f"{kind}_kind", KINDS[kind], type_=SmallInteger),
                received_index.c.hash.in_(hashes),
            )
            statement = statement.where(_row.in_(found))
    if of_site:
        statement = statement.where(received_event.c.organisation == bindparam("organisation", type_=Integer))
    newest = (_row.desc(),) if by_arrival else (_when.desc(), _row.desc())
    return statement.order_by(*newest).limit(bindparam("limit", type_=Integer))


_ONE = (
    select(*_COLUMNS)
    .join(organisation, organisation.c.key == received_event.c.organisation)
    .where(received_event.c.row == bindparam("row", type_=_KEY))
)


def _made(keys: Keys, row: Sequence[Any]) -> Received:
    number, recorded, client, form, sealed, slug = row
    return Received(int(number), int(recorded), client, form, _opened(keys, recorded, form, bytes(sealed)), slug)


async def received(
    connection: DatabaseConnection,
    keys: Keys,
    *,
    begins: int,
    ends: int,
    before: tuple[int, int],
    limit: int,
    patient: str = "",
    number: str = "",
    agent: str = "",
    organisation: int = 0,
    arrived: tuple[int, int] | None = None,
) -> list[Received]:
    """Return received events of a range, the newest first.

    By their own time, or by that of their arrival: a system may send late, and its clock may be wrong.

    Args:
        connection: Where.
        keys: The audit keys.
        begins: Microseconds since 1970 UTC.
        ends: Microseconds since 1970 UTC; outside.
        before: `recorded` and `row` of the last event of the page before.
        limit: The most events.
        patient: Only those that name this patient.
        number: Or this number of a patient.
        agent: Only those that name this agent.
        organisation: Only those of systems of this organisation, by its key; 0 for all.
        arrived: The first row, and the first outside. Of `before` the row alone then counts, and of the range that it
            holds all times that the events may say.
    """
    values: dict[str, Any] = {"limit": limit, "row": before[1]}
    if arrived is None:
        values |= {"begins": begins, "ends": ends, "recorded": before[0]}
    else:
        values |= {"first": arrived[0], "last": arrived[1]}
    years = range(year_of(max(begins, 0)), year_of(max(ends, 0)) + 1)
    counts = []
    for kind, names in (("patient", (patient, number)), ("agent", (agent,))):
        found = [one for name in names if name for one in _hashes(keys, kind, name, years, keys.ids)]
        values |= {f"{kind}{number}": one for number, one in enumerate(found)}
        counts.append(len(found))
    values |= {"organisation": organisation} if organisation else {}
    statement = _page(*counts, of_site=bool(organisation), by_arrival=arrived is not None)
    rows = await connection.fetch(statement, values)
    return [_made(keys, row) for row in rows]


async def received_one(connection: DatabaseConnection, keys: Keys, row: int) -> Received | None:
    """Return the received event with this number."""
    rows = await connection.fetch(_ONE, {"row": row})
    return _made(keys, rows[0]) if rows else None
