"""Leavers: whose day has come lose sessions, tokens and second factors at once, stay in the log, and keep their name.

Nobody has to grant that rights end: the head of the site or the secretariat says so.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from sqlalchemy import BigInteger, bindparam, select

from app.access.caller import Caller
from app.access.directory import find_organisation
from app.access.enrol import OPERATOR
from app.access.events import by, event
from app.access.person_tables import standing
from app.access.rights import account
from app.access.rights.listed import right
from app.access.rights.request import NUMBERING, Wish, add_request
from app.access.rights.rules import check_ends, checked_text
from app.access.staff import follow_account
from app.access.tables import account as accounts
from app.background import again, started
from app.hub import Hub

EVERY_SECONDS = 600.0
"""How often the hub looks for whose day has come; nobody signs in after it, whenever it looks."""

logger = logging.getLogger(__name__)

_ENDED = (
    select(accounts.c.key, accounts.c.name, accounts.c.organisation)
    .join(standing, standing.c.account == accounts.c.key)
    .where(accounts.c.disabled == 0, standing.c.ends <= bindparam("now", type_=BigInteger))
)


async def leave(
    hub: Hub, caller: Caller, name: str, why: str, *, ends: int = 0, network: str = "", path: str = ""
) -> None:
    """End somebody's rights, now or at an instant to come.

    Args:
        hub: The running hub.
        caller: Who says so.
        name: The account.
        why: The reason.
        ends: When, in microseconds since 1970 UTC; what is over means now.
        network: The address the request came from.
        path: The form's address.

    Raises:
        Forbidden: the caller may not.
        Unknown: there is no such account.
        Invalid: there is no reason.
    """
    found, now = await right(hub.database.reader, name, hub.clock()), hub.clock()
    check_ends(caller, found.organisation)
    reason, when = checked_text(why, "The reason"), max(ends, now)
    place = await find_organisation(hub.database.reader, found.organisation_slug)
    wish = Wish(name, found.title, place, found.role, found.head, when)
    async with hub.database.write() as connection:
        await connection.lock(NUMBERING)
        await account.end_on(connection, found.account, when)
        if when <= now:
            await account.disable(connection, found.account)
        acts: dict[str, int | str] = {"requested": now, "requested_by": caller.user, "requested_why": reason}
        await add_request(connection, "leave", wish, "confirmed", **acts)
        text = f"The rights of {name} end {'now' if when <= now else 'on a day to come'}. Reason: {reason}"
        said = event(hub, "account", network=network, path=path, client=caller.client, **by(caller), description=text)
        await hub.audit.stage(connection, [said])
    await follow_account(hub, found.account, found.organisation)


async def close_ended(hub: Hub) -> int:
    """Disable the accounts whose day has come, and return how many there were."""
    now, found = hub.clock(), await hub.database.reader.fetch(_ENDED, {"now": hub.clock()})
    for key, name, home in found:
        async with hub.database.write() as connection:
            if not [one for one in await connection.fetch(_ENDED, {"now": now}) if one[0] == key]:
                continue
            await account.disable(connection, key)
            text = f"The rights of {name} have ended, as was said before"
            said = event(hub, "account", client=OPERATOR, description=text)
            await hub.audit.stage(connection, [said])
        await follow_account(hub, key, home)
    return len(found)


def start(hub: Hub, every_seconds: float = EVERY_SECONDS) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    waits, fails = "Leavers wait for the database", "Accounts whose day has come cannot be closed"
    return started(again(partial(close_ended, hub), every_seconds, logger, waits=waits, fails=fails), "leavers")
