"""Whether the hub's clock is right: checked against NTP servers, kept, and told when it is not.

安全管理ガイドライン 6.0, システム運用編 17③: the times of the log are those of a clock that is synchronised with
standard time. The hub sets no clock: that is chrony's or the machine's; it says whether that works.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median_low
from typing import TYPE_CHECKING

from prometheus_client import Gauge
from sqlalchemy import BigInteger, Text, bindparam, delete, select

from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.background import again, started
from app.comma import parts
from app.db import DatabaseConnection, DatabaseUnavailable
from app.observe.sntp import NoTime, Told, ask
from app.observe.tables import clock_check

if TYPE_CHECKING:
    from app.hub import Hub

CLIENT = "renkei"

KEPT_MICROSECONDS = 400 * 86_400 * 1_000_000
"""How long checks are kept: more than a year, so that any audit finds them."""

MOST_SERVERS = 8

LATE = 3
"""After so many rounds without an answer nobody knows whether the clock is right."""

DRIFTED = "The clock of {host} is wrong by {seconds:.3f} s: it is not synchronised"
SILENT = "No NTP server has told {host} the time lately: whether its clock is right is not known"
THIS_MACHINE = "this machine"

DRIFT = Gauge("renkei_clock_drift_seconds", "By how much this machine's clock is behind the NTP servers")
SYNCHRONISED = Gauge("renkei_clock_synchronised", "1 when it is right, 0 when it is wrong or nobody knows")
ANSWERED = Gauge("renkei_clock_servers_answered", "NTP servers that answered at the last check")

logger = logging.getLogger(__name__)

_LAST = (
    select(
        *(clock_check.c.at, clock_check.c.asked, clock_check.c.answered),
        *(clock_check.c.drift, clock_check.c.delay, clock_check.c.stratum, clock_check.c.synchronised),
    )
    .where(clock_check.c.host == bindparam("host", type_=Text))
    .order_by(clock_check.c.at.desc())
    .limit(1)
)
_FORGET = delete(clock_check).where(clock_check.c.at < bindparam("before", type_=BigInteger))
_AHEAD = delete(clock_check).where(
    clock_check.c.host == bindparam("k_host", type_=Text), clock_check.c.at >= bindparam("now", type_=BigInteger)
)
"""What a clock has written that was set back since: it would be the last check for long."""
TURN = 0x636C_6F63
"""The key of the lock under which a machine's processes take turns."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a machine's clock."""

    at: int
    asked: int
    answered: int
    drift: int
    """Microseconds by which the clock is behind; negative when it is ahead."""
    delay: int
    """Microseconds there and back; the drift is exact to half of it."""
    stratum: int
    synchronised: bool


def host() -> str:
    """Return the name of this machine, whose clock its processes share."""
    return socket.gethostname()


def servers(text: str) -> list[str]:
    """Return the servers that a setting names."""
    return parts(text)[:MOST_SERVERS]


async def last(connection: DatabaseConnection) -> Check | None:
    """Return this machine's last check."""
    rows = await connection.fetch(_LAST, {"host": host()})
    if not rows:
        return None
    at, asked, answered, drift, delay, stratum, synchronised = map(int, rows[0])
    return Check(at, asked, answered, drift, delay, stratum, bool(synchronised))


async def _told(hub: "Hub") -> list[Told]:
    async def one(server: str) -> Told | None:
        try:
            return await ask(server, clock=hub.clock)
        except NoTime as error:
            logger.warning("NTP server %s: %s", server, error)
            return None

    found = await asyncio.gather(*(one(server) for server in servers(hub.settings.ntp_servers)))
    return [one for one in found if one is not None]


def judge(told: list[Told], asked: int, at: int, limit: int) -> Check:
    """Return what the servers' answers come to: the middle one counts, so that one wrong server misleads nobody.

    Args:
        told: The answers.
        asked: How many servers were asked.
        at: When, in microseconds since 1970 UTC.
        limit: Microseconds by which the clock may be wrong.
    """
    if not told:
        return Check(at, asked, 0, 0, 0, 0, synchronised=False)
    middle = median_low(one.offset for one in told)
    chosen = next(one for one in told if one.offset == middle)
    right = abs(middle) - chosen.delay // 2 <= limit
    return Check(at, asked, len(told), middle, chosen.delay, chosen.stratum, synchronised=right)


def words(check: Check | None, machine: str) -> str:
    """Return what a check says, for an operator; None is none in time."""
    if check is not None and check.answered:
        return DRIFTED.format(host=machine, seconds=check.drift / 1_000_000)
    return SILENT.format(host=machine)


def _event(check: Check) -> Event:
    seconds = check.drift / 1_000_000
    right = f"The clock of {host()} is synchronised; it is wrong by {seconds:.3f} s"
    text = right if check.synchronised else words(check, host())
    outcome = "0" if check.synchronised else "8"
    return Event(check.at, "E", "clock", outcome, None if check.synchronised else text, client=CLIENT, description=text)


async def check(hub: "Hub") -> Check:
    """Check this machine's clock and keep what was found; what changed since the last check is on record."""
    told = await _told(hub)
    limit = int(hub.settings.ntp_drift_seconds * 1_000_000)
    found = judge(told, len(servers(hub.settings.ntp_servers)), hub.clock(), limit)
    if not found.synchronised:
        logger.error("%s", words(found, host()))
    async with hub.database.write() as connection:
        await connection.lock(TURN)
        before = await last(connection)
        await connection.execute(_AHEAD, {"k_host": host(), "now": found.at})
        row = (host(), found.at, found.asked, found.answered, found.drift, found.delay, found.stratum)
        await connection.insert(clock_check, [(*row, int(found.synchronised))])
        await connection.execute(_FORGET, {"before": found.at - KEPT_MICROSECONDS})
        if before is None or before.synchronised is not found.synchronised:
            await hub.audit.stage(connection, [_event(found)])
    return found


def start(hub: "Hub") -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return started(_run(hub), "clock")


async def _run(hub: "Hub") -> None:
    every = hub.settings.ntp_check_seconds

    async def work() -> None:
        before = await last(hub.database.reader)
        # One process of a machine asks for all of them.
        if before is None or not 0 <= hub.clock() - before.at < int(every * 900_000):
            await check(hub)

    if hub.settings.ntp_servers:
        waits, fails = "The check of the clock waits for the database", "The clock cannot be checked"
        passing = (DatabaseUnavailable, AuditUnavailable)
        await again(work, every, logger, waits=waits, fails=fails, passing=passing, at_once=True)


async def warnings(hub: "Hub") -> list[str]:
    """Return what the operator must know of this machine's clock; nothing when no server is set.

    `/health` is open to everybody: it does not name the machine.
    """
    if not hub.settings.ntp_servers:
        return []
    found = await last(hub.database.reader)
    overdue = hub.clock() - int(LATE * hub.settings.ntp_check_seconds * 1_000_000)
    if found is None or found.at < overdue:
        return [words(None, THIS_MACHINE)]
    return [] if found.synchronised else [words(found, THIS_MACHINE)]


async def show(hub: "Hub") -> None:
    """Bring the gauges up to date: any process of a machine may be asked for its metrics."""
    if not hub.settings.ntp_servers:
        return
    found, silent = await last(hub.database.reader), await warnings(hub)
    if found is not None:
        DRIFT.set(found.drift / 1_000_000)
        ANSWERED.set(found.answered)
    SYNCHRONISED.set(0 if silent else 1)
