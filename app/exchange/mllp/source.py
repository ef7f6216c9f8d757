"""Sources: which client of which site sends from where. Kept by the operator with `renkei mllp-source`.

A connection that is no source's is closed before anything is read from it. What a message says of its sender (MSH-3,
MSH-4) only narrows that down.
"""

from dataclasses import dataclass

from app.access.bound import Bindings, Kept, check
from app.access.caller import Caller
from app.db import Database, WriteConnection
from app.exchange.mllp.tables import mllp_source


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
        NotBound: one is not, or nothing tells the connection from others.
    """
    check(binding, "source")
    return binding


_KEPT = Kept(mllp_source, Binding, "source")


async def add_source(connection: WriteConnection, binding: Binding) -> None:
    """Add a source.

    Raises:
        NotBound: a part of it is not of its form.
        AlreadyThere: the name is taken.
        Unknown: there is no such client.
    """
    await _KEPT.add(connection, checked(binding))


remove_source = _KEPT.remove
sources = _KEPT.all
