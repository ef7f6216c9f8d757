"""The list of rights: who may do what, until when, and by whose word; and the requests that led there."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, Select, bindparam, func, or_, select

from app.access.caller import Role
from app.access.directory import Unknown
from app.access.person_tables import FOR_EVER, right_request, second_factor, standing
from app.access.tables import account, organisation
from app.clock import DAY
from app.db import DatabaseConnection
from fhir.store.connection import Row

EVERY = 0
"""Stands for all organisations."""

EARLY_DAYS = 30
"""How long before it is due a confirmation is listed."""

MOST_REQUESTS = 1_000


@dataclass(frozen=True, slots=True)
class Right:
    """What one person may do."""

    account: int
    name: str
    title: str
    organisation: int
    organisation_title: str
    organisation_slug: str
    role: Role
    disabled: bool
    waits_until: int
    head: bool
    ends: int
    confirmed: int
    """When the rights were confirmed last; 0 for never."""
    confirmed_by: str
    signed_in: int
    """The last sign-in; 0 for none."""
    factors: int
    """How many second factors the person has."""

    def state(self, now: int) -> str:
        """Return `active`, `waiting` (never confirmed, so nobody signs in), or `ended`."""
        if self.disabled and not self.confirmed and self.ends > now:
            return "waiting"
        return "ended" if self.disabled or self.ends <= now else "active"

    @property
    def end(self) -> int | None:
        """When the rights end, None when no day is set."""
        return None if self.ends >= FOR_EVER else self.ends


@dataclass(frozen=True, slots=True)
class Act:
    """Who did a step, when and why."""

    at: int
    """0 while nobody did."""
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request for rights, or for what stands for a lost device; also the note of somebody's leaving."""

    key: int
    kind: str
    """`new`, `change`, `leave` or `lost-device`."""
    name: str
    title: str
    organisation: int
    organisation_title: str
    role: Role
    head: bool
    ends: int
    state: str
    """`requested`, `granted`, `confirmed` or `refused`."""
    requested: Act
    granted: Act
    confirmed: Act
    refused: Act

    @property
    def end(self) -> int | None:
        """When the rights end, None when no day is set."""
        return None if self.ends >= FOR_EVER else self.ends


_factors = (
    select(func.count())
    .where(second_factor.c.account == account.c.key, second_factor.c.ends > bindparam("now", type_=BigInteger))
    .correlate(account)
    .scalar_subquery()
)
_RIGHTS: Select[tuple[object, ...]] = (
    select(
        *(account.c.key, account.c.name, account.c.title, account.c.organisation, organisation.c.title),
        *(organisation.c.slug, account.c.role, account.c.disabled, account.c.waits_until),
        *(func.coalesce(standing.c.head, 0), func.coalesce(standing.c.ends, FOR_EVER)),
        *(func.coalesce(standing.c.confirmed, 0), func.coalesce(standing.c.confirmed_by, "")),
        *(func.coalesce(standing.c.signed_in, 0), _factors),
    )
    .join(organisation, organisation.c.key == account.c.organisation)
    .join(standing, standing.c.account == account.c.key, isouter=True)
)
_in_organisation = bindparam("organisation", type_=Integer)
_LIST = _RIGHTS.where(or_(account.c.organisation == _in_organisation, _in_organisation == EVERY)).order_by(
    account.c.organisation, account.c.role, account.c.name
)
_ONE = _RIGHTS.where(account.c.name == bindparam("name"))

_REQUESTS = (
    select(
        *(right_request.c[name] for name in ("key", "kind", "name", "title", "organisation")),
        organisation.c.title,
        *(right_request.c[name] for name in ("role", "head", "ends", "state")),
        *(
            right_request.c[f"{act}{part}"]
            for act in ("requested", "granted", "confirmed", "refused")
            for part in ("", "_by", "_why")
        ),
    )
    .join(organisation, organisation.c.key == right_request.c.organisation)
    .order_by(right_request.c.key.desc())
)
_OPEN = _REQUESTS.where(
    or_(right_request.c.state == "requested", right_request.c.state == "granted"),
    or_(right_request.c.organisation == _in_organisation, _in_organisation == EVERY),
).limit(MOST_REQUESTS)
_OF = _REQUESTS.where(right_request.c.name == bindparam("name")).limit(MOST_REQUESTS)
_BY_KEY = _REQUESTS.where(right_request.c.key == bindparam("key", type_=Integer))


def _right(row: Row) -> Right:
    return Right(*[*row[:7], bool(row[7]), row[8], bool(row[9]), *row[10:]])


def _request(row: Row) -> Request:
    acts = [Act(*row[at : at + 3]) for at in (10, 13, 16, 19)]
    return Request(*[*row[:7], bool(row[7]), *row[8:10], *acts])


async def rights(connection: DatabaseConnection, now: int, organisation: int = EVERY) -> Sequence[Right]:
    """Return the rights of an organisation's people, or of everybody's; also of those who have left."""
    return [_right(row) for row in await connection.fetch(_LIST, {"organisation": organisation, "now": now})]


async def right(connection: DatabaseConnection, name: str, now: int) -> Right:
    """Return the rights of one account.

    Raises:
        Unknown: there is none of that name.
    """
    rows = await connection.fetch(_ONE, {"name": name, "now": now})
    if not rows:
        raise Unknown(f"No account is called {name}")
    return _right(rows[0])


def due(found: Sequence[Right], now: int, confirm_days: int) -> Sequence[Right]:
    """Return those of `found` whose rights are to be confirmed again within the next days."""
    before = now + (EARLY_DAYS - confirm_days) * DAY
    return [one for one in found if one.state(now) == "active" and one.confirmed <= before]


async def open_requests(connection: DatabaseConnection, organisation: int = EVERY) -> Sequence[Request]:
    """Return the requests that somebody has still to decide on, the newest first."""
    return [_request(row) for row in await connection.fetch(_OPEN, {"organisation": organisation})]


async def requests_of(connection: DatabaseConnection, name: str) -> Sequence[Request]:
    """Return all requests about an account, the newest first."""
    return [_request(row) for row in await connection.fetch(_OF, {"name": name})]


async def request(connection: DatabaseConnection, key: int) -> Request:
    """Return a request.

    Raises:
        Unknown: there is none with that number.
    """
    rows = await connection.fetch(_BY_KEY, {"key": key})
    if not rows:
        raise Unknown(f"There is no request {key}")
    return _request(rows[0])
