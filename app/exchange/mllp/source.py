"""Sources: which client of which site sends from where. Kept by the operator with `renkei mllp-source`.

A connection that is no source's is closed before anything is read from it. What a message says of its sender (MSH-3,
MSH-4) only narrows that down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import cast

from sqlalchemy import bindparam, delete, select

from app.access import epoch
from app.access.caller import Caller, Role
from app.access.directory import AlreadyThere, Unknown
from app.access.scopes import parse as parse_scopes
from app.access.tables import client, organisation
from app.consent.data import ARE_RECORDED
from app.consent.purposes import NUMBERS
from app.db import Database, DatabaseConnection, WriteConnection
from app.exchange.mllp.peer import Peer
from app.exchange.mllp.tables import mllp_source

_COLUMNS = tuple(mllp_source.columns)
_SOURCES = (
    select(
        *_COLUMNS,
        *(organisation.c.key, organisation.c.slug, organisation.c.title, organisation.c.resource_id),
        *(organisation.c.number, client.c.role, client.c.scopes),
    )
    .join(client, client.c.id == mllp_source.c.client)
    .join(organisation, organisation.c.key == client.c.organisation)
    .where(client.c.disabled == 0)
    .order_by(mllp_source.c.name)
)
_ALL = select(*_COLUMNS).order_by(mllp_source.c.name)
_NAMED = select(mllp_source.c.name).where(mllp_source.c.name == bindparam("name"))
_CLIENT = select(client.c.id).where(client.c.id == bindparam("name"))
_REMOVE = delete(mllp_source).where(mllp_source.c.name == bindparam("k_name"))


class NotASource(ValueError):
    """What would be a source is none; `str` says why."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What makes a connection a source's; what is empty is not asked for.

    Attributes:
        name: The source's name.
        client: The id of its client.
        network: An address, or a network: `10.1.2.0/24`.
        certificate: The SHA-256 of its certificate as base64url.
        subject: The subject of its certificate, as RFC 4514 writes it: `CN=ehr,O=Hospital A`.
        application: MSH-3.1 of its messages.
        facility: MSH-4.1 of its messages.
        purpose: The purpose of use of its queries.
    """

    name: str
    client: str
    network: str = ""
    certificate: str = ""
    subject: str = ""
    application: str = ""
    facility: str = ""
    purpose: str = "TREAT"

    def is_of(self, peer: Peer) -> bool:
        """Return whether a connection is this source's."""
        if not (self.network or self.certificate or self.subject):
            return False
        return (
            (not self.network or _within(peer.network, self.network))
            and self.certificate in ("", peer.certificate)
            and self.subject in ("", peer.subject)
        )

    def sends_as(self, application: str, facility: str) -> bool:
        """Return whether a message that names its sender so is this source's."""
        return self.application in ("", application) and self.facility in ("", facility)


@dataclass(frozen=True, slots=True)
class Source:
    """A source whose client may call.

    Attributes:
        binding: What makes a connection this source's.
        caller: The client, with the rights that it has now.
        number: The ten digits of its institution; empty for an office.
    """

    binding: Binding
    caller: Caller
    number: str


def _within(network: str, stated: str) -> bool:
    try:
        address = ip_address(network.partition("%")[0])
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return address in ip_network(stated)
    except ValueError:
        return False


class Sources:
    """The sources of the region as one process knows them; they are read again when any right has changed.

    Args:
        database: The hub's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._epoch = -1
        self._known: Sequence[Source] = ()

    async def of(self, peer: Peer) -> list[Source]:
        """Return the sources that a connection may be, of now.

        Raises:
            DatabaseUnavailable: nobody knows.
        """
        now = await epoch.current(self._database.reader)
        if now != self._epoch:
            self._known = await _read(self._database, now)
            self._epoch = now
        return [one for one in self._known if one.binding.is_of(peer)]


async def _read(database: Database, now: int) -> Sequence[Source]:
    recorded = await database.reader.fetch(ARE_RECORDED, {})
    of_data = bool(recorded and recorded[0][0])
    return [_source(row, now, of_data=of_data) for row in await database.reader.fetch(_SOURCES, {})]


def _source(row: Sequence[object], now: int, *, of_data: bool) -> Source:
    fields = len(_COLUMNS)
    key, slug, title, resource_id, number, role, scope = row[fields:]
    binding = Binding(*(str(one) for one in row[:fields]))
    scopes = parse_scopes(str(scope)) if scope else None
    caller = Caller(
        *(int(cast("int", key)), str(slug), str(title), f"Organization/{resource_id}", cast("Role", role)),
        *(binding.purpose, binding.client),
        epoch=now,
        scopes=None if scopes is None or scopes.unrestricted else scopes,
        of_data=of_data,
    )
    return Source(binding, caller, str(number))


def checked(binding: Binding) -> Binding:
    """Return a binding whose parts are of their forms.

    Raises:
        NotASource: one is not, or nothing tells the connection from others.
    """
    if not binding.name or len(binding.name) > 64:
        raise NotASource("A source has a name of at most 64 characters")
    if not (binding.network or binding.certificate or binding.subject):
        raise NotASource("A source is known by an address, a certificate or a subject")
    if binding.purpose not in NUMBERS or binding.purpose == "BTG":
        raise NotASource(f"{binding.purpose!r} is no purpose of use that a source may have")
    if binding.network:
        try:
            ip_network(binding.network)
        except ValueError as error:
            raise NotASource(f"{binding.network!r} is no address and no network: {error}") from error
    return binding


async def add_source(connection: WriteConnection, binding: Binding) -> None:
    """Add a source.

    Raises:
        NotASource: a part of it is not of its form.
        AlreadyThere: the name is taken.
        Unknown: there is no such client.
    """
    checked(binding)
    if await connection.fetch(_NAMED, {"name": binding.name}):
        raise AlreadyThere(f"The source {binding.name} is there already")
    if not await connection.fetch(_CLIENT, {"name": binding.client}):
        raise Unknown(f"No client is called {binding.client}")
    await connection.insert(mllp_source, [tuple(getattr(binding, column.name) for column in _COLUMNS)])
    await epoch.grow(connection)


async def remove_source(connection: WriteConnection, name: str) -> None:
    """Remove a source: its connections end with their next message.

    Raises:
        Unknown: there is none.
    """
    if not await connection.execute(_REMOVE, {"k_name": name}):
        raise Unknown(f"No source is called {name}")
    await epoch.grow(connection)


async def sources(connection: DatabaseConnection) -> Sequence[Binding]:
    """Return all sources by their names, those of disabled clients too."""
    return [Binding(*row) for row in await connection.fetch(_ALL, {})]
