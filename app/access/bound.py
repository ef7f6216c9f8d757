"""Clients that speak no HTTP: known by their connection, before anything that it says is believed.

A door keeps a table of what makes a connection a client's: its address or network, its certificate, that one's subject.
"""

from collections.abc import Callable, Sequence
from ipaddress import ip_network
from typing import Any, Generic, Protocol, TypeVar, cast

from sqlalchemy import Select, Table, bindparam, delete, select

from app.access import epoch
from app.access.caller import Caller, Role
from app.access.directory import AlreadyThere, Unknown
from app.access.peer import Peer
from app.access.scopes import parse as parse_scopes
from app.access.tables import client, organisation
from app.consent.data import ARE_RECORDED
from app.consent.purposes import NUMBERS
from app.db import Database, DatabaseConnection, WriteConnection
from app.looked_up import unmapped


class OfClient(Protocol):
    """What an operator keeps for a client."""

    @property
    def name(self) -> str: ...  # noqa: D102 - its own
    @property
    def client(self) -> str: ...  # noqa: D102 - the id of its client
    @property
    def purpose(self) -> str: ...  # noqa: D102 - the purpose of use of the client's queries


class Binding(OfClient, Protocol):
    """What makes a connection a client's; what is empty is not asked for."""

    @property
    def network(self) -> str: ...  # noqa: D102 - an address, or a network: `10.1.2.0/24`
    @property
    def certificate(self) -> str: ...  # noqa: D102 - the SHA-256 of its certificate as base64url
    @property
    def subject(self) -> str: ...  # noqa: D102 - of its certificate, as RFC 4514 writes it


K = TypeVar("K", bound=OfClient)
B = TypeVar("B", bound=Binding)
T = TypeVar("T")

_CLIENT = select(client.c.id).where(client.c.id == bindparam("name"))


class NotBound(ValueError):
    """What would make a connection a client's does not; `str` says why."""


def is_of(binding: Binding, peer: Peer) -> bool:
    """Return whether a connection is a binding's."""
    if not (binding.network or binding.certificate or binding.subject):
        return False
    return (
        (not binding.network or _within(peer.network, binding.network))
        and binding.certificate in ("", peer.certificate)
        and binding.subject in ("", peer.subject)
    )


def _within(network: str, stated: str) -> bool:
    try:
        return unmapped(network.partition("%")[0]) in ip_network(stated)
    except ValueError:
        return False


def check(binding: Binding, word: str) -> None:
    """Refuse a binding whose parts are not of their forms.

    Args:
        binding: The binding.
        word: What it is called, in failures.

    Raises:
        NotBound: a part is not, or nothing tells the connection from others.
    """
    if not binding.name or len(binding.name) > 64:
        raise NotBound(f"A {word} has a name of at most 64 characters")
    if not (binding.network or binding.certificate or binding.subject):
        raise NotBound(f"A {word} is known by an address, a certificate or a subject")
    if binding.purpose not in NUMBERS or binding.purpose == "BTG":
        raise NotBound(f"{binding.purpose!r} is no purpose of use that a {word} may have")
    if binding.network:
        try:
            ip_network(binding.network)
        except ValueError as error:
            raise NotBound(f"{binding.network!r} is no address and no network: {error}") from error


class Known(Generic[K, T]):
    """What is kept for clients as one process knows it; it is read again when any right has changed.

    Args:
        database: The hub's database.
        table: Where it is kept, a column for each field; what disabled clients have does not count.
        binding: Makes one of a row.
        made: Makes of one, its caller and the ten digits of its institution what a door knows a client as.
    """

    def __init__(
        self, database: Database, table: Table, binding: Callable[..., K], made: Callable[[K, Caller, str], T]
    ) -> None:
        self._database = database
        self._statement = _clients_of(table)
        self._fields = len(table.columns)
        self._binding, self._made = binding, made
        self._epoch = -1
        self._known: Sequence[tuple[K, T]] = ()

    async def all(self) -> Sequence[tuple[K, T]]:
        """Return all, of now.

        Raises:
            DatabaseUnavailable: nobody knows.
        """
        now = await epoch.current(self._database.reader)
        if now != self._epoch:
            self._known = await self._read(now)
            self._epoch = now
        return self._known

    async def _read(self, now: int) -> list[tuple[K, T]]:
        recorded = await self._database.reader.fetch(ARE_RECORDED, {})
        of_data = bool(recorded and recorded[0][0])
        found = []
        for row in await self._database.reader.fetch(self._statement, {}):
            binding = self._binding(*row[: self._fields])
            caller, number = _caller(binding, row[self._fields :], now, of_data=of_data)
            found.append((binding, self._made(binding, caller, number)))
        return found


class Bindings(Known[B, T]):
    """The bindings of a door as one process knows them."""

    async def of(self, peer: Peer) -> list[T]:
        """Return what a connection may be, of now.

        Raises:
            DatabaseUnavailable: nobody knows.
        """
        return [one for binding, one in await self.all() if is_of(binding, peer)]


def _clients_of(table: Table) -> Select[Any]:
    return (
        select(
            *table.columns,
            *(organisation.c.key, organisation.c.slug, organisation.c.title, organisation.c.resource_id),
            *(organisation.c.number, client.c.role, client.c.scopes),
        )
        .join(client, client.c.id == table.c.client)
        .join(organisation, organisation.c.key == client.c.organisation)
        .where(client.c.disabled == 0)
        .order_by(table.c.name)
    )


def _caller(binding: OfClient, row: Sequence[object], now: int, *, of_data: bool) -> tuple[Caller, str]:
    key, slug, title, resource_id, number, role, scope = row
    scopes = parse_scopes(str(scope)) if scope else None
    caller = Caller(
        *(int(cast("int", key)), str(slug), str(title), f"Organization/{resource_id}", cast("Role", role)),
        *(binding.purpose, binding.client),
        epoch=now,
        scopes=None if scopes is None or scopes.unrestricted else scopes,
        of_data=of_data,
    )
    return caller, str(number)


class Kept(Generic[K]):
    """What an operator keeps for clients.

    Args:
        table: Where it is kept, a column for each field.
        binding: Makes one of a row.
        word: What one is called, in failures.
    """

    def __init__(self, table: Table, binding: Callable[..., K], word: str) -> None:
        self._table, self._binding, self._word = table, binding, word
        self._all = select(*table.columns).order_by(table.c.name)
        self._named = select(table.c.name).where(table.c.name == bindparam("name"))
        self._remove = delete(table).where(table.c.name == bindparam("k_name"))

    async def add(self, connection: WriteConnection, binding: K) -> None:
        """Add what was checked.

        Raises:
            AlreadyThere: the name is taken.
            Unknown: there is no such client.
        """
        if await connection.fetch(self._named, {"name": binding.name}):
            raise AlreadyThere(f"The {self._word} {binding.name} is there already")
        if not await connection.fetch(_CLIENT, {"name": binding.client}):
            raise Unknown(f"No client is called {binding.client}")
        row = tuple(getattr(binding, column.name) for column in self._table.columns)
        await connection.insert(self._table, [row])
        await epoch.grow(connection)

    async def remove(self, connection: WriteConnection, name: str) -> None:
        """Remove one: its connections end with their next message.

        Raises:
            Unknown: there is none.
        """
        if not await connection.execute(self._remove, {"k_name": name}):
            raise Unknown(f"No {self._word} is called {name}")
        await epoch.grow(connection)

    async def all(self, connection: DatabaseConnection) -> Sequence[K]:
        """Return all by their names, those of disabled clients too."""
        return [self._binding(*row) for row in await connection.fetch(self._all, {})]
