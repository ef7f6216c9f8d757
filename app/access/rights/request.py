"""Requesting rights: a new person, a change of role, or a stand-in for a lost device."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, insert, select

from app.access.caller import Caller
from app.access.directory import AlreadyThere, Organisation, Unknown
from app.access.enrol import Invalid
from app.access.events import by, event
from app.access.person_tables import FOR_EVER, right_request
from app.access.rights.listed import Right, requests_of, right
from app.access.rights.rules import check_requests, checked_name, checked_role, checked_text
from app.db import WriteConnection
from app.hub import Hub
from fhir.errors import Forbidden

NUMBERING = 0x7269_6768
"""The key of the lock under which requests are numbered and names taken."""

_NEXT = select(func.coalesce(func.max(right_request.c.key), 0) + 1)
_ADD = insert(right_request).values({column: bindparam(f"n_{column.name}") for column in right_request.columns})
_NOBODY = {
    f"n_{act}{part}": empty
    for act in ("requested", "granted", "confirmed", "refused")
    for part, empty in (("", 0), ("_by", ""), ("_why", ""))
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is requested."""

    name: str
    title: str
    organisation: Organisation
    role: str
    head: bool = False
    ends: int = FOR_EVER
    """When the rights end, in microseconds since 1970 UTC."""


async def add_request(connection: WriteConnection, kind: str, wish: Wish, state: str, **acts: int | str) -> int:
    """Write a request down, inside a write transaction that holds the lock `NUMBERING`, and return its number."""
    key = int((await connection.fetch(_NEXT, {}))[0][0])
    row = {
        "key": key,
        "kind": kind,
        "name": wish.name,
        "title": wish.title,
        "organisation": wish.organisation.key,
        "role": wish.role,
        "head": int(wish.head),
        "ends": wish.ends,
        "state": state,
        **acts,
    }
    await connection.execute(_ADD, _NOBODY | {f"n_{name}": value for name, value in row.items()})
    return key


async def _free(connection: WriteConnection, name: str) -> None:
    """Check that nobody has, had or asks for an account's name: names are never used again.

    Raises:
        AlreadyThere: somebody does.
    """
    if any(one.state in ("requested", "granted") for one in await requests_of(connection, name)):
        raise AlreadyThere(f"The name {name} is requested already")
    try:
        await right(connection, name, 0)
    except Unknown:
        return
    raise AlreadyThere(f"The account {name} is there already; a name is never used again")


async def _none_open(connection: WriteConnection, name: str) -> None:
    if any(one.state in ("requested", "granted") for one in await requests_of(connection, name)):
        raise AlreadyThere(f"A request about {name} is open already")


def _checked(wish: Wish, now: int) -> Wish:
    if wish.ends <= now:
        raise Invalid("The day on which the rights end is over", "ends")
    title = checked_text(wish.title, "The person's name", "title")
    return Wish(wish.name, title, wish.organisation, checked_role(wish.role, wish.organisation), wish.head, wish.ends)


async def request_new(hub: Hub, caller: Caller, wish: Wish, why: str, *, network: str = "", path: str = "") -> int:
    """Request an account for a person who has none, and return the request's number.

    Raises:
        Forbidden: the caller may not.
        Invalid: the name, the role, the day or the reason is not of its form.
        AlreadyThere: the name is or was somebody's.
    """
    check_requests(caller, wish.organisation.key)
    checked_name(wish.name)
    return await _request(hub, caller, "new", _checked(wish, hub.clock()), why, network, path)


async def request_change(hub: Hub, caller: Caller, wish: Wish, why: str, *, network: str = "", path: str = "") -> int:
    """Request another role, site, end or headship for a person, and return the request's number.

    Raises:
        Forbidden: the caller may not, at the present site or at the new one.
        Invalid: the role, the day or the reason is not of its form.
        Unknown: there is no such account.
        AlreadyThere: another request about the person is open.
    """
    present = await right(hub.database.reader, wish.name, hub.clock())
    check_requests(caller, present.organisation)
    check_requests(caller, wish.organisation.key)
    return await _request(hub, caller, "change", _checked(wish, hub.clock()), why, network, path)


async def request_stand_in(
    hub: Hub, caller: Caller, found: Right, place: Organisation, why: str, *, network: str = "", path: str = ""
) -> int:
    """Request a temporary code for a person whose device is lost, and return the request's number.

    The head of the site requests it; where the head is the one who lost it, or there is none, the secretariat.

    Raises:
        Forbidden: the caller may not, or asks for itself.
        Invalid: the reason is not of its form, or nobody signs in to the account.
        AlreadyThere: another request about the person is open.
    """
    if caller.user == found.name:
        raise Forbidden("Somebody else requests it for you")
    if not (caller.head and caller.organisation == found.organisation) and caller.role != "secretariat":
        raise Forbidden("A lost device is reported by the head of the site, or by the secretariat")
    if found.state(hub.clock()) != "active":
        raise Invalid("Nobody signs in to this account")
    wish = Wish(found.name, found.title, place, found.role, found.head, found.ends)
    return await _request(hub, caller, "lost-device", wish, why, network, path)


async def _request(hub: Hub, caller: Caller, kind: str, wish: Wish, why: str, network: str, path: str) -> int:
    reason = checked_text(why, "The reason")
    async with hub.database.write() as connection:
        await connection.lock(NUMBERING)
        await (_free if kind == "new" else _none_open)(connection, wish.name)
        acts: dict[str, int | str] = {"requested": hub.clock(), "requested_by": caller.user, "requested_why": reason}
        key = await add_request(connection, kind, wish, "requested", **acts)
        text = f"Request {key} ({kind}): {told(wish)}. Reason: {reason}"
        said = event(hub, "account", network=network, path=path, client=caller.client, **by(caller), description=text)
        await hub.audit.stage(connection, [said])
    return key


def told(wish: Wish) -> str:
    """Return what is wished, in words for the audit record."""
    head = ", head of the site" if wish.head else ""
    return f"{wish.name}, {wish.role} of {wish.organisation.slug}{head}"
