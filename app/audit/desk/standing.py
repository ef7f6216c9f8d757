"""How the log stands: its tree, its checkpoint, witnesses, copies, receivers, what came from others, and the clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from app.access.tables import organisation
from app.audit.atna.forward import destinations
from app.audit.atna.tables import audit_forward
from app.audit.copies import places
from app.audit.cosign import standing as quorum_of
from app.audit.cosign import witnesses
from app.audit.desk.watch import place
from app.audit.inbound.tables import received_event
from app.audit.review import State, state
from app.audit.tables import audit_cosignature, audit_stage, audit_succession
from app.db import DatabaseConnection
from app.hub import Hub

_STAGED = select(func.count()).select_from(audit_stage)
_SUCCESSIONS = select(func.count()).select_from(audit_succession)
_SIGNED = select(
    audit_cosignature.c.witness, func.max(audit_cosignature.c.size), func.max(audit_cosignature.c.signed)
).group_by(audit_cosignature.c.witness)
_FORWARDED = select(audit_forward.c.destination, audit_forward.c.leaf, audit_forward.c.failing)
RECENT = 10_000
"""Events of other systems among which those who sent lately are looked for."""

_recent = (
    select(received_event.c.organisation, received_event.c.client, received_event.c.recorded)
    .order_by(received_event.c.recorded.desc())
    .limit(RECENT)
    .subquery("recent")
)
_SOURCES = (
    select(organisation.c.slug, _recent.c.client, func.max(_recent.c.recorded))
    .select_from(_recent)
    .join(organisation, organisation.c.key == _recent.c.organisation)
    .group_by(organisation.c.slug, _recent.c.client)
    .order_by(organisation.c.slug, _recent.c.client)
)


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A witness, and the last checkpoint that it has signed."""

    name: str
    size: int
    """Its records; 0 for none."""
    signed: int
    """When, in microseconds since 1970 UTC."""
    refusal: str
    """What it said when it refused, as far as this process knows."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A place of copies."""

    place: str
    failure: str
    """Why the last copy was not made, as far as this process knows."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A receiver of the log."""

    destination: str
    behind: int
    """Records that wait for it."""
    failing: int
    """Since when it takes nothing, in microseconds since 1970 UTC; 0 when it does."""


@dataclass(frozen=True, slots=True)
class Source:
    """A system that has sent events of its own lately."""

    slug: str
    client: str
    last: int
    """When the newest says it happened, in microseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the log stands."""

    state: State
    staged: int
    """Durable records that have no place in the tree yet."""
    keys: int
    """Exchanges of the key that signs."""
    looked_at: int
    """Records that were looked through for the unusual."""
    quorum: int
    """How many witnesses must sign; 0 for none."""
    quorum_size: int
    """Records of the newest checkpoint that enough have signed."""
    witnesses: Sequence[Witnessed]
    copies: Sequence[Copied]
    receivers: Sequence[Forwarded]
    sources: Sequence[Source]


async def _count(connection: DatabaseConnection, statement: Select[int]) -> int:
    return int((await connection.fetch(statement, {}))[0][0])


async def standing(hub: Hub) -> Standing:
    """Return how the log stands."""
    reader, settings = hub.database.reader, hub.settings
    known = witnesses(settings.audit_witnesses)
    signed = {vkey: (int(size), int(at)) for vkey, size, at in await reader.fetch(_SIGNED, {})}
    stands = await state(reader)
    leaves = {one: (int(leaf), int(failing)) for one, leaf, failing in await reader.fetch(_FORWARDED, {})}
    refusals, failures = hub.cosigning.refusals, hub.copying.failures
    enough = await quorum_of(reader, known, settings.audit_quorum) if settings.audit_quorum else None
    receivers = []
    for one in destinations(settings):
        leaf, failing = leaves.get(one.name, (0, 0))
        receivers.append(Forwarded(one.name, max(stands.size - leaf, 0), failing))
    return Standing(
        state=stands,
        staged=await _count(reader, _STAGED),
        keys=await _count(reader, _SUCCESSIONS),
        looked_at=await place(reader) or 0,
        quorum=settings.audit_quorum,
        quorum_size=enough.size if enough else 0,
        witnesses=[
            Witnessed(one.key.name, *signed.get(one.key.vkey, (0, 0)), refusals.get(one.key.name, "")) for one in known
        ],
        copies=[Copied(one, failures.get(one, "")) for one in places(settings.audit_copies)],
        receivers=receivers,
        sources=[Source(*row) for row in await reader.fetch(_SOURCES, {})],
    )
