"""Granting, refusing and confirming what was requested, each with who, when and why, and an audit record.

A request goes from one state to the next in one statement that asks for the state it is in: of two who decide at once,
one is told that it is decided.
"""

from sqlalchemy import BigInteger, Integer, Text, Update, bindparam, update

from app.access import factors
from app.access.caller import Caller
from app.access.directory import Unknown, add_account
from app.access.events import by, event
from app.access.person_tables import right_request
from app.access.recovery import new_code
from app.access.rights import account
from app.access.rights.listed import Request, request, right
from app.access.rights.rules import check_confirms, check_grants, checked_text
from app.access.second_step import temporary_digest
from app.access.sessions import end_all
from app.access.staff import follow_account
from app.db import WriteConnection
from app.hub import Hub
from fhir.errors import Conflict

STAND_IN_HOURS = 24
"""How long a temporary code stands for a lost device."""


def _step(act: str) -> Update:
    return (
        update(right_request)
        .where(
            right_request.c.key == bindparam("k_key", type_=Integer),
            right_request.c.state == bindparam("k_state", type_=Text),
        )
        .values(
            {
                "state": bindparam("n_state", type_=Text),
                act: bindparam("n_at", type_=BigInteger),
                f"{act}_by": bindparam("n_by", type_=Text),
                f"{act}_why": bindparam("n_why", type_=Text),
            }
        )
    )


_STEPS = {act: _step(act) for act in ("granted", "confirmed", "refused")}


async def _stepped(
    hub: Hub, connection: WriteConnection, caller: Caller, found: Request, act: str, why: str, state: str
) -> None:
    """Write a step down.

    Raises:
        Conflict: somebody else has taken it.
    """
    values = {
        "k_key": found.key,
        "k_state": found.state,
        "n_state": state,
        "n_at": hub.clock(),
        "n_by": caller.user,
        "n_why": why,
    }
    if await connection.execute(_STEPS[act], values) != 1:
        raise Conflict("The request was decided by somebody else")


async def _told(
    hub: Hub, connection: WriteConnection, caller: Caller, found: Request, act: str, why: str, network: str, path: str
) -> None:
    head = ", head of the site" if found.head else ""
    text = f"Request {found.key} ({found.kind}) {act}: {found.name}, {found.role} of {found.organisation_title}{head}"
    said = event(
        *(hub, "account"),
        network=network,
        path=path,
        client=caller.client,
        **by(caller),
        description=f"{text}. Reason: {why}" if why else text,
    )
    await hub.audit.stage(connection, [said])


async def _awaiting(hub: Hub, key: int, state: str) -> Request:
    found = await request(hub.database.reader, key)
    if found.state != state:
        raise Conflict(f"The request is {found.state}")
    return found


async def grant(hub: Hub, caller: Caller, key: int, why: str, *, network: str = "", path: str = "") -> str:
    """Grant a request, and return what is shown once.

    For a person without an account, or who comes back, that is a one-time password; for a lost device it is the
    temporary code, and the second factors there were are gone. A change of role shows nothing.

    Raises:
        Forbidden: the caller may not.
        Unknown: there is no such request.
        Conflict: it is decided already.
        AlreadyThere: the name was taken by now.
    """
    found = await _awaiting(hub, key, "requested")
    check_grants(caller, found.requested.by)
    reason, now, shown = checked_text(why, "The reason"), hub.clock(), ""
    password, hashed = await account.one_time_password()
    state = "confirmed" if found.kind == "lost-device" else "granted"
    async with hub.database.write() as connection:
        # First of all, so that of two who grant at once the second waits here, and is told.
        await _stepped(hub, connection, caller, found, "granted", reason, state)
        if found.kind == "lost-device":
            shown = await _stand_in(hub, connection, found, now)
        elif found.kind == "new":
            shown = password
            await add_account(
                connection,
                name=found.name,
                title=found.title,
                organisation_key=found.organisation,
                role=found.role,
                password=hashed,
                must_change=True,
                disabled=True,
            )
        else:
            present = await right(connection, found.name, now)
            if present.disabled:
                shown = password
                await account.set_one_time_password(connection, present.account, hashed, now)
        await _told(hub, connection, caller, found, "granted", reason, network, path)
    return shown


async def _stand_in(hub: Hub, connection: WriteConnection, found: Request, now: int) -> str:
    """Put a temporary code in the place of every second factor, and return it."""
    present, code = await right(connection, found.name, now), new_code()
    await factors.remove_all(connection, present.account)
    await end_all(connection, present.account)
    await factors.add(
        *(hub, connection, present.account, factors.TEMPORARY),
        title="",
        secret=temporary_digest(present.account, code),
        ends=now + STAND_IN_HOURS * 3_600_000_000,
    )
    return code


async def refuse(hub: Hub, caller: Caller, key: int, why: str, *, network: str = "", path: str = "") -> None:
    """Refuse a request: the secretariat one that was made, the head one that was granted.

    Raises:
        Forbidden: the caller may not.
        Unknown: there is no such request.
        Conflict: it is decided already.
    """
    found = await request(hub.database.reader, key)
    reason = checked_text(why, "The reason")
    if found.state == "requested":
        check_grants(caller, "")
    elif found.state == "granted":
        await check_confirms(hub.database.reader, caller, found.organisation, found.name, hub.clock())
    else:
        raise Conflict(f"The request is {found.state}")
    async with hub.database.write() as connection:
        await _stepped(hub, connection, caller, found, "refused", reason, "refused")
        if found.kind == "new" and found.state == "granted":
            made = await right(connection, found.name, hub.clock())
            await account.end_on(connection, made.account, hub.clock())
        await _told(hub, connection, caller, found, "refused", reason, network, path)


async def confirm(hub: Hub, caller: Caller, key: int, why: str = "", *, network: str = "", path: str = "") -> None:
    """Confirm what was granted: from now on the person has these rights.

    Raises:
        Forbidden: the caller may not.
        Unknown: there is no such request.
        Conflict: it is not granted, or decided already.
    """
    found, now = await _awaiting(hub, key, "granted"), hub.clock()
    reason = checked_text(why, "The reason") if why.strip() else ""
    async with hub.database.write() as connection:
        await check_confirms(connection, caller, found.organisation, found.name, now, granted_by=found.granted.by)
        await _stepped(hub, connection, caller, found, "confirmed", reason, "confirmed")
        present = await right(connection, found.name, now)
        await account.enable(
            *(connection, present.account),
            title=found.title,
            organisation=found.organisation,
            role=found.role,
            head=found.head,
            ends=found.ends,
            now=now,
            by=caller.user,
        )
        if present.disabled:
            await account.one_time_until(connection, present.account, now)
        await _told(hub, connection, caller, found, "confirmed", reason, network, path)
    await follow_account(hub, present.account, present.organisation, found.organisation)


async def confirm_again(hub: Hub, caller: Caller, name: str, *, network: str = "", path: str = "") -> None:
    """Confirm that somebody's rights are still right, as the head of a site does every year.

    Raises:
        Forbidden: the caller may not.
        Unknown: there is no such account, or nobody signs in to it.
    """
    now = hub.clock()
    async with hub.database.write() as connection:
        present = await right(connection, name, now)
        await check_confirms(connection, caller, present.organisation, name, now)
        if present.state(now) != "active":
            raise Unknown(f"Nobody signs in to {name}")
        await account.confirmed_again(connection, present.account, now, caller.user)
        text = f"The rights of {name} were confirmed again: {present.role} of {present.organisation_slug}"
        said = event(hub, "account", network=network, path=path, client=caller.client, **by(caller), description=text)
        await hub.audit.stage(connection, [said])
