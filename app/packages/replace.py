"""Loading a package in place of its older version, in one transaction: what checks by it sees one of the two."""

from collections.abc import Sequence

import zstandard
from sqlalchemy import bindparam, select

from app.access.directory import AlreadyThere
from app.db import DatabaseConnection
from app.hub import Hub
from app.packages.archive import Package
from app.packages.load import LOAD, Loaded, changed, compressed, forget, keep, locked
from app.packages.tables import package_resource
from fhir.profiles.definitions import version_order

_BODIES = (
    select(package_resource.c.type, package_resource.c.url, package_resource.c.version, package_resource.c.body)
    .where(package_resource.c.package == bindparam("package_key"))
    .order_by(package_resource.c.number)
)


async def replace(hub: Hub, found: Package, *, user_name: str) -> Sequence[str] | None:
    """Keep a package instead of the versions of it that are older.

    Args:
        hub: The running hub.
        found: What was read of it.
        user_name: Who loads it, for the audit log.

    Returns:
        The versions that it took the place of; None when the same was loaded already, and nothing changed.

    Raises:
        AlreadyThere: this version is loaded with other content, or a newer one is.
    """
    bodies = compressed(found)
    async with hub.database.write() as connection:
        known = await locked(connection)
        others = [one for one in known if one.name == found.name]
        for one in others:
            if one.version == found.version:
                if await _same(connection, one, found):
                    return None
                raise AlreadyThere(f"{found.name} {found.version} is loaded already, with other content")
            if version_order(one.version) > version_order(found.version):
                raise AlreadyThere(f"{found.name} {one.version} is loaded, which is newer than {found.version}")
        for one in others:
            await forget(connection, one)
        await keep(hub, connection, found, bodies, known)
        words = f"{found.name} {found.version}"
        if others:
            words += f" in place of {', '.join(one.version for one in others)}"
        await changed(hub, connection, LOAD, words, user_name)
    return [one.version for one in others]


async def _same(connection: DatabaseConnection, loaded: Loaded, found: Package) -> bool:
    """Return whether what is loaded is what was read, byte for byte."""
    rows = await connection.fetch(_BODIES, {"package_key": loaded.key})
    inflate = zstandard.ZstdDecompressor().decompress
    wanted = [(one.type, one.url, one.version) for one in found.resources]
    return [tuple(row[:3]) for row in rows] == wanted and all(
        inflate(bytes(row[3])) == one.body for row, one in zip(rows, found.resources, strict=True)
    )
