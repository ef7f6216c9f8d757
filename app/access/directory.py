"""Organisations, clients and accounts: adding and finding them.

Every change of rights lets the access epoch grow, in the same transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Insert, Select, Table, bindparam, func, insert, select

from app.access import epoch
from app.access.person_tables import FOR_EVER, standing
from app.access.tables import account, client, organisation
from app.db import DatabaseConnection, WriteConnection

KINDS = ("hospital", "clinic", "pharmacy", "secretariat", "audit")
"""What an organisation is in the region."""


class AlreadyThere(Exception):
    """The name is taken."""


class Unknown(Exception):
    """No organisation, client or account has that name."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """A site or an office of the region."""

    key: int
    slug: str
    title: str
    kind: str
    number: str
    """The ten digits of a medical institution; empty for an office."""
    resource_id: str
    """The id of its Organization in the directory."""

    @property
    def reference(self) -> str:
        """Its FHIR reference."""
        return f"Organization/{self.resource_id}"


@dataclass(frozen=True, slots=True)
class Client:
    """A system of a site."""

    id: str
    title: str
    organisation_title: str
    role: str
    disabled: int


@dataclass(frozen=True, slots=True)
class Registered:
    """How a client proves who it is, and what it may have; as in the table `client`."""

    kind: str = "system"
    authentication: str = "private_key_jwt"
    secret: str = ""
    jwks_url: str = ""
    redirects: str = ""
    scopes: str = "system/*.cruds"
    launch_url: str = ""
    certificate: str = ""


def _insert(table: Table) -> Insert:
    return insert(table).values({column: bindparam(f"n_{column.name}") for column in table.columns})


_NEXT = {table.name: select(func.coalesce(func.max(table.c.key), 0) + 1) for table in (organisation, client, account)}
_INSERT = {table.name: _insert(table) for table in (organisation, client, account)}
_BY_NAME: Mapping[str, Select[Any]] = {
    "organisation": select(organisation).where(organisation.c.slug == bindparam("name")),
    "client": select(client).where(client.c.id == bindparam("name")),
    "account": select(account).where(account.c.name == bindparam("name")),
}
_ALL_CLIENTS = (
    select(client.c.id, client.c.title, organisation.c.title, client.c.role, client.c.disabled)
    .join(organisation, organisation.c.key == client.c.organisation)
    .order_by(client.c.organisation, client.c.id)
)
_ALL_ORGANISATIONS = select(organisation).order_by(organisation.c.key)


async def _add(connection: WriteConnection, table: Table, name: str, values: Mapping[str, Any]) -> int:
    if await connection.fetch(_BY_NAME[table.name], {"name": name}):
        raise AlreadyThere(f"The {table.name} {name} is there already")
    key = int((await connection.fetch(_NEXT[table.name], {}))[0][0])
    row = {f"n_{column}": value for column, value in values.items()} | {"n_key": key}
    await connection.execute(_INSERT[table.name], row)
    await epoch.grow(connection)
    return key


async def add_organisation(
    connection: WriteConnection, *, slug: str, title: str, kind: str, number: str, resource_id: str
) -> int:
    """Add a site or an office and return its key.

    Raises:
        AlreadyThere: the slug is taken.
    """
    values = {"slug": slug, "title": title, "kind": kind, "number": number, "resource_id": resource_id}
    return await _add(connection, organisation, slug, values)


async def add_client(
    connection: WriteConnection,
    *,
    id: str,
    title: str,
    organisation_key: int,
    role: str,
    jwks: str,
    registered: Registered = Registered(),
) -> int:
    """Add a system, which signs in with a key of the JWK set `jwks`, or what `registered` says, and return its key.

    Raises:
        AlreadyThere: the id is taken.
    """
    values = {"id": id, "title": title, "organisation": organisation_key, "role": role, "jwks": jwks, "disabled": 0}
    values |= asdict(registered)
    return await _add(connection, client, id, values)


async def add_account(
    connection: WriteConnection,
    *,
    name: str,
    title: str,
    organisation_key: int,
    role: str,
    password: str,
    must_change: bool,
    disabled: bool = False,
    head: bool = False,
    ends: int = FOR_EVER,
    confirmed: int = 0,
    confirmed_by: str = "",
    password_ends: int = FOR_EVER,
) -> int:
    """Add a person and return the account's key.

    Args:
        connection: A write transaction.
        name: What the person signs in with; no account ever had it.
        title: The person's name.
        organisation_key: The site the person belongs to.
        role: A role of `app.access.caller`.
        password: Its argon2 hash.
        must_change: Whether the first sign-in changes it.
        disabled: Whether nobody signs in before the rights are confirmed.
        head: Whether the person heads the site.
        ends: When the person leaves, in microseconds since 1970 UTC.
        confirmed: When the rights were confirmed, likewise; 0 for never.
        confirmed_by: Who did.
        password_ends: When a password that must be changed is good no longer.

    Raises:
        AlreadyThere: the name is taken.
    """
    values = {
        "name": name,
        "title": title,
        "organisation": organisation_key,
        "role": role,
        "password": password,
        "must_change": int(must_change),
        "disabled": int(disabled),
        "failures": 0,
        "waits_until": 0,
    }
    key = await _add(connection, account, name, values)
    await connection.insert(standing, [(key, int(head), ends, confirmed, confirmed_by, password_ends, 0, 0, 0)])
    return key


async def find_organisation(connection: DatabaseConnection, slug: str) -> Organisation:
    """Return the organisation of that slug.

    Raises:
        Unknown: there is none.
    """
    rows = await connection.fetch(_BY_NAME["organisation"], {"name": slug})
    if not rows:
        raise Unknown(f"No organisation is called {slug}")
    return Organisation(*rows[0])


async def organisations(connection: DatabaseConnection) -> Sequence[Organisation]:
    """Return all organisations in the order they came."""
    return [Organisation(*row) for row in await connection.fetch(_ALL_ORGANISATIONS, {})]


async def clients(connection: DatabaseConnection) -> Sequence[Client]:
    """Return all systems, those of one organisation together."""
    return [Client(*row) for row in await connection.fetch(_ALL_CLIENTS, {})]
