"""Cases of break-glass as those see them who were told, who review them, or who broke the glass."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, Select, Text, and_, bindparam, or_, select

from app.access.caller import Caller
from app.access.tables import organisation
from app.clock import DAY
from app.consent.break_glass.tables import WAITING, break_glass, break_glass_remark, break_glass_site
from app.db import DatabaseConnection

EVERY_CASE = frozenset({"secretariat", "auditor"})
"""Roles that see the cases of all sites."""

MOST_LISTED = 500

_CASE = (
    *(break_glass.c[name] for name in ("number", "patient_key", "patient", "organisation")),
    organisation.c.title,
    *(break_glass.c[name] for name in ("account", "client", "user", "user_title", "role", "code", "reason")),
    *(break_glass.c[name] for name in ("begun", "ends", "ended", "ended_by")),
)
_site = organisation.alias("told")
_SITE = (
    *(break_glass_site.c[name] for name in ("number", "organisation")),
    _site.c.title,
    *(break_glass_site.c[name] for name in ("discloses", "state", "changed", "seen", "seen_by")),
)
_CASES = select(*_CASE).join(organisation, organisation.c.key == break_glass.c.organisation)
_NUMBER = _CASES.where(break_glass.c.number == bindparam("number", type_=BigInteger))
_SITES = (
    select(*_SITE)
    .join(_site, _site.c.key == break_glass_site.c.organisation)
    .join(break_glass, break_glass.c.number == break_glass_site.c.number)
)
_SITES_OF = _SITES.where(break_glass_site.c.number == bindparam("number", type_=BigInteger)).order_by(
    break_glass_site.c.organisation
)
_between = and_(
    break_glass.c.begun >= bindparam("from_", type_=BigInteger), break_glass.c.begun < bindparam("to", type_=BigInteger)
)
_told = (
    select(break_glass_site.c.number)
    .where(break_glass_site.c.organisation == bindparam("own", type_=Integer))
    .scalar_subquery()
)
_mine = or_(
    bindparam("every", type_=Integer) == 1,
    break_glass.c.account == bindparam("account", type_=Integer),
    and_(
        bindparam("head", type_=Integer) == 1,
        or_(break_glass.c.organisation == bindparam("own", type_=Integer), break_glass.c.number.in_(_told)),
    ),
)
_LIST: Select[tuple[object, ...]] = (
    _CASES.where(_between, _mine).order_by(break_glass.c.number.desc()).limit(bindparam("most", type_=Integer))
)
_LIST_SITES = _SITES.where(_between, _mine)
_REMARKS = (
    select(*(break_glass_remark.c[name] for name in ("organisation", "at", "act", "text", "by", "by_title")))
    .where(break_glass_remark.c.number == bindparam("number", type_=BigInteger))
    .order_by(break_glass_remark.c.at)
)
_UNREAD = (
    select(_site.c.slug, break_glass_site.c.number, break_glass_site.c.state, break_glass_site.c.changed)
    .join(_site, _site.c.key == break_glass_site.c.organisation)
    .where(
        or_(
            break_glass_site.c.seen == 0,
            break_glass_site.c.state.in_([bindparam(f"s{n}", type_=Text) for n in range(len(WAITING))]),
        )
    )
    .order_by(_site.c.slug, break_glass_site.c.number)
)


@dataclass(frozen=True, slots=True)
class Case:
    """A case, in the order of `_CASE`."""

    number: int
    patient_key: int
    patient: str
    organisation: int
    organisation_title: str
    account: int
    client: str
    user: str
    user_title: str
    role: str
    code: str
    reason: str
    begun: int
    ends: int
    ended: int
    ended_by: str

    @property
    def until(self) -> int:
        """When it ended or will end, in microseconds since 1970 UTC."""
        return self.ended or self.ends

    def is_of(self, caller: Caller) -> bool:
        """Return whether a person broke the glass under the own account."""
        return bool(caller.account) and caller.account == self.account

    def is_open(self, now: int) -> bool:
        """Return whether it opens records at an instant."""
        return self.begun <= now < self.until


@dataclass(frozen=True, slots=True)
class Told:
    """A case at an organisation that was told, in the order of `_SITE`."""

    number: int
    organisation: int
    title: str
    discloses: int
    state: str
    changed: int
    seen: int
    seen_by: str

    @property
    def waits(self) -> bool:
        """Whether it is not closed here."""
        return self.state in WAITING


@dataclass(frozen=True, slots=True)
class Remark:
    """What was asked, answered or decided at an organisation."""

    organisation: int
    at: int
    act: str
    text: str
    by: str
    by_title: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A case and the organisations that were told of it."""

    case: Case
    told: Sequence[Told]

    @property
    def waits(self) -> bool:
        """Whether it is not closed."""
        return any(one.waits for one in self.told)

    def is_overdue(self, now: int, days: int) -> bool:
        """Return whether it waits for longer than `days`."""
        return self.waits and self.case.begun + days * DAY <= now

    def at(self, organisation: int) -> Told | None:
        """Return how it stands at an organisation, if that was told."""
        return next((one for one in self.told if one.organisation == organisation), None)


async def case_of(connection: DatabaseConnection, number: int) -> Case | None:
    """Return a case."""
    rows = await connection.fetch(_NUMBER, {"number": number})
    return Case(*rows[0]) if rows else None


def sees(caller: Caller, listed: Listed) -> bool:
    """Return whether a person sees a case.

    The secretariat and auditors see every one, the heads of the sites that were told and of the one that asked theirs,
    and who broke the glass the own.
    """
    told = listed.at(caller.organisation) is not None or listed.case.organisation == caller.organisation
    return listed.case.is_of(caller) or caller.role in EVERY_CASE or (caller.head and told)


async def found(connection: DatabaseConnection, caller: Caller, number: int) -> Listed | None:
    """Return a case that a person sees; None when there is none."""
    case = await case_of(connection, number)
    if case is None:
        return None
    told = [Told(*row) for row in await connection.fetch(_SITES_OF, {"number": number})]
    listed = Listed(case, told)
    return listed if sees(caller, listed) else None


async def listed(
    connection: DatabaseConnection, caller: Caller, *, begins: int = 0, ends: int = 2**62, most: int = MOST_LISTED
) -> list[Listed]:
    """Return the cases that a person sees and that were begun within a time, the newest first."""
    values = {
        "from_": begins,
        "to": ends,
        "own": caller.organisation,
        "every": int(caller.role in EVERY_CASE),
        "account": caller.account or -1,
        "head": int(caller.head),
        "most": most,
    }
    cases = [Case(*row) for row in await connection.fetch(_LIST, values)]
    told: dict[int, list[Told]] = {}
    for row in await connection.fetch(_LIST_SITES, values):
        told.setdefault(row[0], []).append(Told(*row))
    return [Listed(case, told.get(case.number, [])) for case in cases]


async def remarks(connection: DatabaseConnection, number: int) -> list[Remark]:
    """Return what was remarked about a case, the oldest first."""
    return [Remark(*row) for row in await connection.fetch(_REMARKS, {"number": number})]


async def waiting(connection: DatabaseConnection) -> list[tuple[str, int, str, int]]:
    """Return what nobody has looked at or closed: slug, number, state and since when; of no patient and no person."""
    states = {f"s{n}": state for n, state in enumerate(WAITING)}
    return [(slug, number, state, at) for slug, number, state, at in await connection.fetch(_UNREAD, states)]
