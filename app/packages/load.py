"""Loading, listing and removing packages. Every process of the hub sees the change with its next check."""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

import zstandard
from sqlalchemy import bindparam, delete, func, select

from app.access import epoch
from app.access.directory import AlreadyThere, Unknown
from app.db import DatabaseConnection, WriteConnection
from app.hub import Hub
from app.packages.archive import Package
from app.packages.loaded import PACKAGES
from app.packages.recorded import record
from app.packages.tables import package, package_resource
from app.records.search_parameters.packages import forget_package

LOAD = "package-load"
REMOVE = "package-remove"
CLIENT = "renkei-cli"

CORE = "hl7.fhir.r4.core"
"""The package of R4 itself, which the hub knows by other means."""

_COUNT = func.count(package_resource.c.number)
_ALL = (
    select(package.c.key, package.c.name, package.c.version, package.c.dependencies, _COUNT)
    .select_from(package.outerjoin(package_resource, package_resource.c.package == package.c.key))
    .group_by(package.c.key, package.c.name, package.c.version, package.c.dependencies)
    .order_by(package.c.key)
)
_REMOVE = delete(package).where(package.c.key == bindparam("package_key"))
_REMOVE_RESOURCES = delete(package_resource).where(package_resource.c.package == bindparam("package_key"))
_LOCK = 0x7061_636B
"""The lock under which packages change."""


class Loaded(NamedTuple):
    """One package that is loaded."""

    key: int
    name: str
    version: str
    dependencies: dict[str, str]
    resources: int


async def packages(connection: DatabaseConnection) -> Sequence[Loaded]:
    """Return the packages in the order they came."""
    rows = await connection.fetch(_ALL, {})
    return [Loaded(key, name, version, json.loads(needs), count) for key, name, version, needs, count in rows]


async def load(hub: Hub, found: Package, *, user_name: str) -> None:
    """Keep a package.

    Args:
        hub: The running hub.
        found: What was read of it.
        user_name: Who loads it, for the audit log.

    Raises:
        AlreadyThere: it is loaded in this version.
    """
    bodies = compressed(found)
    async with hub.database.write() as connection:
        known = await locked(connection)
        if any((one.name, one.version) == (found.name, found.version) for one in known):
            raise AlreadyThere(f"{found.name} {found.version} is loaded already; remove it first")
        await keep(hub, connection, found, bodies, known)
        await changed(hub, connection, LOAD, f"{found.name} {found.version}", user_name)


async def remove(hub: Hub, name: str, version: str, *, user_name: str) -> None:
    """Forget a package. What was stored by its profiles stays; its search parameters go.

    Raises:
        Unknown: it is not loaded.
    """
    async with hub.database.write() as connection:
        found = [one for one in await locked(connection) if (one.name, one.version) == (name, version)]
        if not found:
            raise Unknown(f"{name} {version} is not loaded")
        await forget(connection, found[0])
        await changed(hub, connection, REMOVE, f"{name} {version}", user_name)


def compressed(found: Package) -> list[bytes]:
    """Return the bodies of a package as they are kept. Do it before the transaction: it takes its time."""
    compress = zstandard.ZstdCompressor(level=12).compress
    return [compress(one.body) for one in found.resources]


async def locked(connection: WriteConnection) -> Sequence[Loaded]:
    """Return the packages, which do not change until the transaction ends."""
    await connection.lock(_LOCK)
    return await packages(connection)


async def keep(
    hub: Hub, connection: WriteConnection, found: Package, bodies: Sequence[bytes], known: Sequence[Loaded]
) -> None:
    """Write a package that is not there yet."""
    key = max((one.key for one in known), default=0) + 1
    row = (key, found.name, found.version, json.dumps(found.dependencies), hub.clock())
    await connection.insert(package, [row])
    rows = [
        (key, number, one.type, one.url, one.version, body)
        for number, (one, body) in enumerate(zip(found.resources, bodies, strict=True))
    ]
    if rows:
        await connection.insert(package_resource, rows)


async def forget(connection: WriteConnection, one: Loaded) -> None:
    """Take a package away, and the search parameters that came with it."""
    await forget_package(connection, one.name, one.version)
    await connection.execute(_REMOVE_RESOURCES, {"package_key": one.key})
    await connection.execute(_REMOVE, {"package_key": one.key})


async def changed(hub: Hub, connection: WriteConnection, interaction: str, words: str, user_name: str) -> None:
    """Let every process notice, and record who did it, in the same transaction."""
    await epoch.grow(connection, PACKAGES)
    await record(hub, connection, interaction, words, user_name=user_name, client=CLIENT)


def missing(found: Package, known: Sequence[Loaded]) -> list[tuple[str, str, list[str]]]:
    """Return what a package needs and is not loaded: name, version, and the versions that are loaded instead."""
    lacking = []
    for name, wanted in sorted(found.dependencies.items()):
        versions = [one.version for one in known if one.name == name]
        if name != CORE and not any(_is(version, wanted) for version in versions):
            lacking.append((name, wanted, versions))
    return lacking


def _is(version: str, wanted: str) -> bool:
    """Return whether a version is the wanted one; `1.4.x` is any of 1.4."""
    pattern = re.escape(wanted).replace(r"\*", "x")
    return re.fullmatch(re.sub(r"(?<=\.)x", "[^.]+", pattern), version) is not None
