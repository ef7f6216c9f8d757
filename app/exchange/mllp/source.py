"""Sources: which client of which site sends from where. Kept by the operator with `renkei mllp-source`.

A connection that is no source's is closed before anything is read from it. What a message says of its sender (MSH-3,
MSH-4) only narrows that down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select

from app.access import epoch
from app.access.bound import Bindings, NotBound, check
from app.access.caller import Caller
from app.access.directory import AlreadyThere, Unknown
from app.access.tables import client
from app.db import Database, DatabaseConnection, WriteConnection
from app.exchange.mllp.tables import mllp_source

_COLUMNS = tuple(mllp_source.columns)
_ALL = select(*_COLUMNS).order_by(mllp_source.c.name)
_NAMED = select(mllp_source.c.name).where(mllp_source.c.name == bindparam("name"))
_CLIENT = select(client.c.id).where(client.c.id == bindparam("name"))
_REMOVE = delete(mllp_source).where(mllp_source.c.name == bindparam("k_name"))

NotASource = NotBound
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


Sources = Bindings[Binding, Source]


def known_sources(database: Database) -> Sources:
    """Return the sources of the region as one process knows them."""
    return Bindings(database, mllp_source, Binding, Source)


def checked(binding: Binding) -> Binding:
    """Return a binding whose parts are of their forms.

    Raises:
        NotASource: one is not, or nothing tells the connection from others.
    """
    check(binding, "source")
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
