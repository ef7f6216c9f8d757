"""DICOM nodes: which application is which client of which site. Kept by the operator with `renkei dicom-node`.

An AE title is no secret: an application is known by its title and by its address or its certificate.
"""

import re
from dataclasses import dataclass

from app.access.bound import Bindings, Kept, NotBound, check, is_of
from app.access.caller import Caller
from app.access.peer import Peer
from app.db import Database, WriteConnection
from app.imaging.dimse.tables import dicom_node

_TITLE = re.compile(r"[ -\[\]-~]{1,16}")
_HOST = re.compile(r"[0-9A-Za-z.:-]{1,253}")


@dataclass(frozen=True, slots=True)
class Binding:
    """What makes an association a node's; what is empty is not asked for.

    Attributes:
        name: The node's name.
        client: The id of its client.
        title: Its AE title.
        network: An address, or a network: `10.1.2.0/24`.
        certificate: The SHA-256 of its certificate as base64url.
        subject: The subject of its certificate, as RFC 4514 writes it: `CN=pacs,O=Hospital A`.
        purpose: The purpose of use of what it asks.
        host: Where the hub calls it: a name or an address; empty for nowhere.
        port: Its port there.
        secured: Whether the hub calls it by TLS: 0 or 1.
    """

    name: str
    client: str
    title: str
    network: str = ""
    certificate: str = ""
    subject: str = ""
    purpose: str = "TREAT"
    host: str = ""
    port: int = 0
    secured: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """A node whose client may call.

    Attributes:
        binding: What makes an association this node's.
        caller: The client, with the rights that it has now.
    """

    binding: Binding
    caller: Caller

    def is_at(self, peer: Peer, title: str) -> bool:
        """Return whether an association with a peer that names itself so is this node's."""
        return self.binding.title == title and is_of(self.binding, peer)


class Nodes:
    """The nodes of the region as one process knows them.

    Args:
        database: The hub's database.
    """

    def __init__(self, database: Database) -> None:
        self._bindings = Bindings(database, dicom_node, Binding, lambda binding, caller, _: Node(binding, caller))

    async def at(self, peer: Peer, title: str) -> Node | None:
        """Return the node that an association is of, now; None for a stranger.

        Raises:
            DatabaseUnavailable: nobody knows.
        """
        return next((one for _, one in await self._bindings.all() if one.is_at(peer, title)), None)

    async def named(self, name: str) -> Node | None:
        """Return the node of a name.

        Raises:
            DatabaseUnavailable: nobody knows.
        """
        return next((one for binding, one in await self._bindings.all() if binding.name == name), None)

    async def destination(self, title: str, organisation: int) -> Binding | None:
        """Return where an organisation's application of this AE title is called; None when it has none.

        Images that were asked for on behalf of one organisation are not sent to another.

        Raises:
            DatabaseUnavailable: nobody knows.
        """
        for binding, one in await self._bindings.all():
            if binding.title == title and binding.host and one.caller.organisation == organisation:
                return binding
        return None


def checked(binding: Binding) -> Binding:
    """Return a binding whose parts are of their forms.

    Raises:
        NotBound: one is not, or nothing but its title tells the application from others.
    """
    check(binding, "node")
    if not _TITLE.fullmatch(binding.title) or binding.title != binding.title.strip():
        raise NotBound(f"{binding.title!r} is no AE title: 1 to 16 characters, no backslash, no blank at its ends")
    if binding.host and not (_HOST.fullmatch(binding.host) and 0 < binding.port < 65_536):
        raise NotBound("Where a node is called is a name or an address, and a port")
    return binding


_KEPT = Kept(dicom_node, Binding, "node")


async def add_node(connection: WriteConnection, binding: Binding) -> None:
    """Add a node.

    Raises:
        NotBound: a part of it is not of its form.
        AlreadyThere: the name is taken.
        Unknown: there is no such client.
    """
    await _KEPT.add(connection, checked(binding))


remove_node = _KEPT.remove
nodes = _KEPT.all
