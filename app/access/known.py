"""An account as a sign-in finds it: by name, or by key."""

from dataclasses import dataclass

from sqlalchemy import Integer, bindparam, func, select

from app.access.caller import Role
from app.access.person_tables import FOR_EVER, standing
from app.access.tables import account, organisation
from app.db import DatabaseConnection

_COLUMNS = (
    *(account.c.key, account.c.name, account.c.title, account.c.password, account.c.role, account.c.must_change),
    *(account.c.disabled, account.c.failures, account.c.waits_until, organisation.c.resource_id),
    func.coalesce(standing.c.ends, FOR_EVER),
    func.coalesce(standing.c.password_ends, FOR_EVER),
)
_KNOWN = (
    select(*_COLUMNS)
    .join(organisation, organisation.c.key == account.c.organisation)
    .join(standing, standing.c.account == account.c.key, isouter=True)
)
_BY_NAME = _KNOWN.where(account.c.name == bindparam("name"))
_BY_KEY = _KNOWN.where(account.c.key == bindparam("key", type_=Integer))


@dataclass(frozen=True, slots=True)
class Known:
    """An account."""

    key: int
    name: str
    title: str
    password: str
    """Its argon2id hash."""
    role: Role
    must_change: int
    disabled: int
    failures: int
    """Wrong passwords and codes since the last sign-in."""
    waits_until: int
    organisation: str
    """The id of the organisation's resource."""
    ends: int
    """When the person leaves, in microseconds since 1970 UTC."""
    password_ends: int
    """When a password that must be changed is good no longer."""

    def refusal(self, now: int) -> str:
        """Return why nobody signs in here now, for the audit record alone; empty when somebody may."""
        if self.disabled:
            return "The account is disabled"
        if self.ends <= now:
            return "The account has ended"
        if self.must_change and self.password_ends <= now:
            return "The one-time password has lapsed"
        return "The account waits after too many wrong passwords" if self.waits_until > now else ""


async def by_name(connection: DatabaseConnection, name: str) -> Known | None:
    """Return the account with this name."""
    rows = await connection.fetch(_BY_NAME, {"name": name})
    return Known(*rows[0]) if rows else None


async def by_key(connection: DatabaseConnection, key: int) -> Known | None:
    """Return the account with this key."""
    rows = await connection.fetch(_BY_KEY, {"key": key})
    return Known(*rows[0]) if rows else None
