"""Who may break the glass: the roles of the setting; nurses and pharmacists with a right from their head."""

from sqlalchemy import Integer, bindparam, delete, select

from app.access import epoch
from app.access.caller import Caller
from app.access.events import by, event
from app.consent.break_glass.tables import break_glass_right
from app.db import DatabaseConnection
from app.hub import Hub
from app.settings import Settings
from fhir.errors import Forbidden

WITH_RIGHT = frozenset({"nurse", "pharmacist"})
"""Roles of which each person needs a right."""

_RIGHT = select(break_glass_right.c.granted).where(break_glass_right.c.account == bindparam("account", type_=Integer))
_TAKE = delete(break_glass_right).where(break_glass_right.c.account == bindparam("account", type_=Integer))


async def has_right(connection: DatabaseConnection, account: int) -> bool:
    """Return whether a person has the right of a nurse or a pharmacist to break the glass."""
    return bool(await connection.fetch(_RIGHT, {"account": account}))


async def may_break(connection: DatabaseConnection, settings: Settings, caller: Caller) -> bool:
    """Return whether a person who has signed in may break the glass."""
    if not caller.account or caller.role not in settings.break_glass_allowed:
        return False
    return caller.role not in WITH_RIGHT or await has_right(connection, caller.account)


async def check_may_break(connection: DatabaseConnection, settings: Settings, caller: Caller) -> None:
    """Check that a person may break the glass.

    Raises:
        Forbidden: the role may not, or the person has no right to.
    """
    if not await may_break(connection, settings, caller):
        raise Forbidden("This person may not break the glass")


async def give_right(
    hub: Hub, head: Caller, account: int, name: str, organisation: int, *, take: bool = False, network: str = ""
) -> None:
    """Give a nurse or a pharmacist of the own site the right to break the glass, or take it away.

    Raises:
        Forbidden: the caller does not head the person's site, or is that person.
    """
    if not head.head or head.organisation != organisation or head.account == account:
        raise Forbidden("The head of the site says who may break the glass, and not about the own account")
    async with hub.database.write() as connection:
        await connection.execute(_TAKE, {"account": account})
        if not take:
            await connection.insert(break_glass_right, [(account, hub.clock(), head.user)])
        await epoch.grow(connection)
        words = f"{name} may {'not ' if take else ''}break the glass"
        path = f"/accounts/{name}"
        told = event(hub, "account", network=network, path=path, **by(head), description=words, entities=(name,))
        await hub.audit.stage(connection, [told])
