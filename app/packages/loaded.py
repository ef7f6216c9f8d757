"""What a process knows of the loaded packages: refreshed when they have changed, parsed when it is used."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial

import zstandard
from sqlalchemy import or_, select

from app.access import epoch
from app.db import Database
from app.packages.tables import package_resource
from fhir.profiles.definitions import Definition, Definitions

PACKAGES = "packages"
"""The counter that grows when packages change."""

_USED = ("StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap")
_RESOURCES = (
    select(package_resource.c.type, package_resource.c.url, package_resource.c.version, package_resource.c.body)
    .where(or_(*(package_resource.c.type == one for one in _USED)))
    .order_by(package_resource.c.package, package_resource.c.number)
)


@dataclass(frozen=True, slots=True)
class Profiles:
    """By what resources are checked beside base R4."""

    definitions: Definitions
    strict: bool
    """Whether a resource that breaks a profile it names, or names an unknown one, is refused."""
    strict_documents: Collection[str] = ()
    """The kinds of documents that are refused in any case."""


UNCHECKED = Profiles(Definitions(), strict=False)
"""Nothing is loaded."""


class KnownPackages:
    """The packages as one process knows them. Bodies stay compressed until one is used."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._epoch = 0
        self._definitions = Definitions()
        self._refreshing = asyncio.Lock()

    async def current(self) -> Definitions:
        """Return what is loaded now."""
        reader = self._database.reader
        now = await epoch.value(reader, PACKAGES)
        if now != self._epoch:
            # Requests that come together get the same definitions: what is compiled is kept in them.
            async with self._refreshing:
                if now != self._epoch:
                    await self._refresh(now)
        return self._definitions

    async def _refresh(self, now: int) -> None:
        rows = await self._database.reader.fetch(_RESOURCES, {})
        self._definitions = Definitions(
            Definition(row[0], row[1], row[2], partial(_inflated, bytes(row[3]))) for row in rows
        )
        # Packages that changed between the two reads are noticed by the next check.
        self._epoch = now

    async def for_bodies(self, bodies: Iterable[bytes]) -> Definitions:
        """Return what is loaded now; without asking where no body can name a profile."""
        # The letters of a name may be escaped; Japanese ones, which often are, begin otherwise.
        if any(b'"profile"' in body or b"\\u00" in body for body in bodies):
            return await self.current()
        return self._definitions


def _inflated(body: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(body)
