"""An imaging source: a PACS that a site registered. Kept by the operator with `renkei imaging-source`.

No address is ever taken out of data: what a manifest, an Endpoint or a BulkDataURI says only finds its source here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import bindparam, delete, select

from app.access.bound import Kept, Known
from app.access.caller import Caller
from app.access.directory import Unknown
from app.comma import parts
from app.db import Database, WriteConnection
from app.imaging.sources.tables import imaging_source, imaging_source_state
from dicom.store.refer import count_references
from dicom.values import is_uid

GET_BY = ("web", "c-get", "c-move")
"""How instances are fetched."""

LEAST_PREFIX = {4: 8, 6: 16}
"""Bits of the widest network that may be allowed, by the version of IP."""


class NotASource(ValueError):
    """What would be a source is none; `str` says why."""


@dataclass(frozen=True, slots=True)
class ImagingSource:
    """A PACS of a site; what is empty it does not have.

    Attributes:
        key: Its number.
        name: Its name.
        client: The id of the site's client whose rights its references have.
        wado: The address of its WADO-RS, without a slash at the end.
        qido: The address of its QIDO-RS.
        locations: Retrieve Location UIDs, parted by commas.
        ae_title: Its AE title.
        host: Where its DIMSE is.
        port: The port of that.
        called_as: The AE title by which the hub calls it.
        get_by: `web`, `c-get` or `c-move`.
        listen: For `c-move`, where the hub waits for what the source sends: `10.1.2.3:11113`.
        certificate: File of the client certificate that the hub shows it.
        private_key: File of its key.
        authority: File of the authority of the source's certificate; the system's when empty.
        credentials: `basic:FILE` (name:password) or `bearer:FILE`: the hub's own for this source.
        networks: Networks in which its addresses lie, parted by commas; when empty, the world's.
        cache: `none`, `thumbnails` or `days:N`.
        at_once: The most requests to it at once.
        seconds: For one instance.
        index_hours: How often the hub indexes it; 0 for never.
    """

    key: int
    name: str
    client: str
    wado: str = ""
    qido: str = ""
    locations: str = ""
    ae_title: str = ""
    host: str = ""
    port: int = 0
    called_as: str = "RENKEI"
    get_by: str = "web"
    listen: str = ""
    certificate: str = ""
    private_key: str = ""
    authority: str = ""
    credentials: str = ""
    networks: str = ""
    cache: str = "none"
    at_once: int = 4
    seconds: int = 120
    index_hours: int = 0

    @property
    def purpose(self) -> str:
        """The purpose of use of what its client stores."""
        return "TREAT"

    @property
    def days(self) -> int:
        """For how many days an instance is kept after it was fetched."""
        word, _, number = self.cache.partition(":")
        return int(number) if word == "days" else 0

    def is_at(self, address: str) -> bool:
        """Return whether an address out of data is this source's WADO-RS, or lies below it."""
        stated = address.strip().rstrip("/")
        return bool(self.wado) and (stated == self.wado or stated.startswith(f"{self.wado}/"))

    def is_named(self, *, address: str = "", location: str = "", ae_title: str = "") -> bool:
        """Return whether what a manifest says of where a series is means this source."""
        return (
            (bool(address) and self.is_at(address))
            or (bool(location) and location in parts(self.locations))
            or (bool(ae_title) and ae_title == self.ae_title)
        )


_NAMED = select(imaging_source.c.key).where(imaging_source.c.name == bindparam("name"))
_WHOLE = select(*imaging_source.columns).where(imaging_source.c.name == bindparam("name"))
_FORGET = delete(imaging_source_state).where(imaging_source_state.c.source == bindparam("k_key"))


@dataclass(frozen=True, slots=True)
class Registered:
    """A source whose client may call, and that client with the rights that it has now."""

    source: ImagingSource
    caller: Caller


class Sources:
    """The sources of the region as one process knows them; they are read again when any right has changed.

    Args:
        database: The hub's database.
    """

    def __init__(self, database: Database) -> None:
        self._known = Known(database, imaging_source, ImagingSource, lambda one, caller, _: Registered(one, caller))

    async def all(self) -> Sequence[Registered]:
        """Return every source whose client may call.

        Raises:
            DatabaseUnavailable: nobody knows.
        """
        return [one for _, one in await self._known.all()]

    async def of_site(self, custodian: int) -> list[Registered]:
        """Return the sources of a site, given by the key of its organisation."""
        return [one for one in await self.all() if one.caller.organisation == custodian]

    async def find(self, key: int, custodian: int) -> Registered | None:
        """Return a source of a site, or None when it is not registered, or not that site's."""
        return next((one for one in await self.of_site(custodian) if one.source.key == key), None)

    async def named(self, name: str) -> Registered:
        """Return the source of a name.

        Raises:
            Unknown: there is none whose client may call.
        """
        for one in await self.all():
            if one.source.name == name:
                return one
        raise Unknown(f"No imaging source is called {name}, or its client is disabled")


def checked(source: ImagingSource) -> ImagingSource:
    """Return a source whose parts are of their forms.

    Raises:
        NotASource: one is not, or nothing says how it is asked.
    """
    if not source.name or len(source.name) > 64:
        raise NotASource("An imaging source has a name of at most 64 characters")
    for address in (source.wado, source.qido):
        _check_address(address)
    if source.get_by not in GET_BY:
        raise NotASource(f"Instances are fetched by one of {', '.join(GET_BY)}")
    if source.get_by == "web" and not source.wado:
        raise NotASource("Without an address of WADO-RS, say --get-by c-get or c-move")
    if source.get_by != "web" and not (source.host and source.ae_title and 0 < source.port < 65536):
        raise NotASource("DIMSE needs an AE title, a host and a port")
    if source.get_by == "c-move":
        _check_listen(source.listen)
    wrong = [one for one in parts(source.locations) if not is_uid(one)]
    if wrong:
        raise NotASource(f"{wrong[0]!r} is no UID of a location")
    if bool(source.certificate) != bool(source.private_key):
        raise NotASource("A client certificate comes with its key")
    if source.credentials and source.credentials.partition(":")[0] not in ("basic", "bearer"):
        raise NotASource("Credentials are basic:FILE or bearer:FILE")
    _check_networks(source.networks)
    _check_cache(source.cache)
    if not (0 < source.at_once <= 64 and 0 < source.seconds <= 3600 and 0 <= source.index_hours <= 8760):
        raise NotASource("At once: 1 to 64; seconds: 1 to 3600; hours between indexes: 0 to 8760")
    return source


def _check_address(address: str) -> None:
    if not address:
        return
    found = urlsplit(address)
    plain = found.scheme in ("http", "https") and found.hostname and not (found.query or found.fragment)
    if not plain or "@" in found.netloc or address.endswith("/"):
        raise NotASource(f"{address!r} is no http(s) address without user, query and slash at its end")
    try:
        found.port  # noqa: B018 - is parsed when it is asked for
    except ValueError as error:
        raise NotASource(f"{address!r} has no port that could be asked") from error


def _check_listen(listen: str) -> None:
    host, _, port = listen.rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 65536):
        raise NotASource("For c-move, say --listen HOST:PORT: where the hub waits for what the source sends")


def _check_networks(networks: str) -> None:
    for one in parts(networks):
        try:
            network = ip_network(one)
        except ValueError as error:
            raise NotASource(f"{one!r} is no address and no network: {error}") from error
        if network.prefixlen < LEAST_PREFIX[network.version]:
            raise NotASource(f"The network {one} is too wide to say where a PACS is")


def _check_cache(policy: str) -> None:
    word, colon, number = policy.partition(":")
    if policy in ("none", "thumbnails") or (word == "days" and colon and number.isdecimal() and 0 < int(number) <= 365):
        return
    raise NotASource("What is kept is none, thumbnails, or days:N with N from 1 to 365")


_KEPT = Kept(imaging_source, ImagingSource, "imaging source")


async def add_source(connection: WriteConnection, source: ImagingSource) -> None:
    """Register a source.

    Raises:
        NotASource: a part of it is not of its form.
        AlreadyThere: the name is taken.
        Unknown: there is no such client.
    """
    await _KEPT.add(connection, checked(source))
    await connection.insert(imaging_source_state, [(source.key, *(0, 0, 0, 0), *("", ""), *(0, 0))])


async def change_source(connection: WriteConnection, name: str, **fields: Any) -> ImagingSource:
    """Change a source, and return it as it is now; its references and what is known of its health stay.

    Args:
        connection: In a write transaction.
        name: The source's.
        fields: Those of an `ImagingSource` that become others; whose it is does not change.

    Raises:
        Unknown: there is none.
        NotASource: a part of it would not be of its form.
    """
    rows = await connection.fetch(_WHOLE, {"name": name})
    if not rows:
        raise Unknown(f"No imaging source is called {name}")
    changed = checked(replace(ImagingSource(*rows[0]), **fields))
    await _KEPT.remove(connection, name)
    await _KEPT.add(connection, changed)
    return changed


async def remove_source(connection: WriteConnection, name: str, *, forsaking: bool) -> int:
    """Remove a source and return how many instances were only there.

    Args:
        connection: In a write transaction.
        name: The source's.
        forsaking: Whether it is removed although instances are only there: their headers stay, their bytes cannot be
            had any more.

    Raises:
        Unknown: there is none.
        NotASource: instances are only there.
    """
    rows = await connection.fetch(_NAMED, {"name": name})
    if not rows:
        raise Unknown(f"No imaging source is called {name}")
    key = int(rows[0][0])
    left = await count_references(connection, key)
    if left and not forsaking:
        raise NotASource(f"{left} instances are only there: keep them with `renkei imaging-source store {name}`")
    await connection.execute(_FORGET, {"k_key": key})
    await _KEPT.remove(connection, name)
    return left


sources = _KEPT.all
