"""The search parameters of loaded packages: switched on and off by the operator."""

from collections.abc import Sequence

import zstandard
from sqlalchemy import bindparam, select

from app.access.directory import Unknown
from app.db import DatabaseConnection, WriteConnection
from app.hub import Hub
from app.packages.recorded import record
from app.packages.tables import package, package_resource
from app.records.search_parameters.follow import Following, of_package
from fhir.errors import FhirError, Unprocessable
from fhir.resource import parse
from fhir.search.definition import compiled
from fhir.spec.search_parameters import SearchParameter

ENABLE = "search-parameter-enable"
DISABLE = "search-parameter-disable"

_BODIES = (
    select(package_resource.c.body)
    .join(package, package.c.key == package_resource.c.package)
    .where(package.c.name == bindparam("name"), package.c.version == bindparam("version"))
    .where(package_resource.c.type == "SearchParameter")
    .order_by(package_resource.c.number)
)
_PACKAGE = select(package.c.key).where(package.c.name == bindparam("name"), package.c.version == bindparam("version"))

_USED = frozenset({"draft", "active"})
"""The statuses of what is switched on: a publisher's draft is what the operator asks for by its name."""


async def enable(hub: Hub, name: str, version: str, *, user_name: str, client: str) -> tuple[int, list[FhirError]]:
    """Switch on the search parameters of a package; return how many, and why others cannot be.

    Args:
        hub: The running hub.
        name: That of the package.
        version: That of the package.
        user_name: Who does it, for the audit log.
        client: By which program.

    Raises:
        Unknown: the package is not loaded.
    """
    refused: list[FhirError] = []
    async with hub.database.write() as connection:
        found = await _definitions(connection, name, version, refused)
        following = Following(connection, hub.settings.own_search_parameters)
        await following.begin()
        before = len(refused)
        await following.want(of_package(name, version), found, refused)
        await following.end()
        await record(hub, connection, ENABLE, f"{name} {version}", user_name=user_name, client=client)
    return len(found) - len(refused) + before, refused


async def disable(hub: Hub, name: str, version: str, *, user_name: str, client: str) -> None:
    """Switch off the search parameters of a package; the arguments are those of `enable`.

    Raises:
        Unknown: the package is not loaded.
    """
    async with hub.database.write() as connection:
        if not await connection.fetch(_PACKAGE, {"name": name, "version": version}):
            raise Unknown(f"{name} {version} is not loaded")
        await forget_package(connection, name, version)
        await record(hub, connection, DISABLE, f"{name} {version}", user_name=user_name, client=client)


async def forget_package(connection: WriteConnection, name: str, version: str) -> None:
    """Let a package want no search parameters, inside a write transaction."""
    following = Following(connection, 0)
    await following.begin()
    await following.want(of_package(name, version), ())
    await following.end()


async def _definitions(
    connection: DatabaseConnection, name: str, version: str, refused: list[FhirError]
) -> Sequence[SearchParameter]:
    """Return the search parameters of a package; why some are not understood is gathered.

    Raises:
        Unknown: the package is not loaded.
    """
    named = {"name": name, "version": version}
    if not await connection.fetch(_PACKAGE, named):
        raise Unknown(f"{name} {version} is not loaded")
    found: list[SearchParameter] = []
    for (body,) in await connection.fetch(_BODIES, named):
        definition = parse(zstandard.ZstdDecompressor().decompress(bytes(body)))
        if definition.get("status") in _USED:
            try:
                found += compiled(definition)
            except Unprocessable as error:
                refused.append(Unprocessable(f"{definition.get('url')}: {error.diagnostics}"))
            except (KeyError, TypeError, AttributeError):
                # A package's body is strict JSON, but nobody has checked its structure.
                refused.append(Unprocessable(f"{definition.get('url')}: This is no SearchParameter of R4"))
    return found
