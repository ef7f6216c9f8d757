"""The second factors of a person: which there are, adding one, and taking one away.

安全管理ガイドライン 6.0 シス14⑥: two factors of different kinds; two steps of one kind do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, LargeBinary, bindparam, delete, func, insert, select

from app.access.caller import Caller
from app.access.events import by, event
from app.access.person_tables import FOR_EVER, recovery_code, second_factor, session_origin
from app.access.tokens import digest
from app.db import DatabaseConnection, WriteConnection
from app.hub import Hub
from fhir.store.connection import Row

PASSKEY, TOTP, TEMPORARY = "passkey", "totp", "temporary"
"""The kinds; a temporary code stands for a lost device until it ends."""

MOST = 10
"""Second factors that a person may have."""

LONGEST_TITLE = 60

_key = bindparam("key", type_=BigInteger)
_account = bindparam("account", type_=Integer)
_HELD = (
    select(second_factor)
    .where(second_factor.c.account == _account, second_factor.c.ends > bindparam("now", type_=BigInteger))
    .order_by(second_factor.c.added, second_factor.c.key)
)
_BY_CREDENTIAL = select(second_factor).where(
    second_factor.c.credential == bindparam("credential", type_=LargeBinary), second_factor.c.kind == PASSKEY
)
_ADD = insert(second_factor).values({column: bindparam(f"n_{column.name}") for column in second_factor.columns})
_REMOVE = delete(second_factor).where(second_factor.c.key == _key, second_factor.c.account == _account)
_REMOVE_ALL = delete(second_factor).where(second_factor.c.account == _account)
_REMOVE_CODES = delete(recovery_code).where(recovery_code.c.account == _account)
_CODES_LEFT = select(func.count()).where(recovery_code.c.account == _account, recovery_code.c.used == 0)


class TooMany(Exception):
    """The person has as many second factors as anybody may have."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor as it is kept."""

    key: int
    account: int
    kind: str
    title: str
    """What the person calls it."""
    added: int
    used: int
    """When it was used last; 0 for never."""
    ends: int
    credential: bytes
    """The id of a passkey; empty for the others."""
    secret: bytes
    counter: int
    """A passkey's signature counter; the last time step of a one-time password."""


def _factor(row: Row) -> Factor:
    return Factor(*[*row[:7], bytes(row[7]), bytes(row[8]), row[9]])


async def held(connection: DatabaseConnection, account: int, now: int) -> Sequence[Factor]:
    """Return the second factors of a person that count now, the oldest first."""
    rows = await connection.fetch(_HELD, {"account": account, "now": now})
    return [_factor(row) for row in rows]


async def by_credential(connection: DatabaseConnection, credential: bytes) -> Factor | None:
    """Return the passkey with this credential id."""
    rows = await connection.fetch(_BY_CREDENTIAL, {"credential": credential})
    return _factor(rows[0]) if rows else None


async def codes_left(connection: DatabaseConnection, account: int) -> int:
    """Return how many recovery codes of a person can still be used."""
    return int((await connection.fetch(_CODES_LEFT, {"account": account}))[0][0])


async def add(
    hub: Hub,
    connection: WriteConnection,
    account: int,
    kind: str,
    *,
    title: str,
    secret: bytes,
    credential: bytes = b"",
    counter: int = 0,
    ends: int = FOR_EVER,
) -> None:
    """Add a second factor.

    Raises:
        TooMany: there are `MOST` already.
    """
    if len(await connection.fetch(_HELD, {"account": account, "now": 0})) >= MOST:
        raise TooMany(f"A person has at most {MOST} second factors")
    now = hub.clock()
    row = (hub.new_row(), account, kind, title[:LONGEST_TITLE], now, 0, ends, credential, secret, counter)
    values = {f"n_{column.name}": value for column, value in zip(second_factor.columns, row, strict=True)}
    await connection.execute(_ADD, values)


async def remove_all(connection: WriteConnection, account: int) -> None:
    """Take away every second factor and recovery code of a person: the device is lost."""
    await connection.execute(_REMOVE_ALL, {"account": account})
    await connection.execute(_REMOVE_CODES, {"account": account})


async def remove(hub: Hub, caller: Caller, key: int, *, network: str = "") -> bool:
    """Take away one of the caller's own second factors; return whether it was there.

    Raises:
        DatabaseUnavailable: nothing was changed.
    """
    async with hub.database.write() as connection:
        done = await connection.execute(_REMOVE, {"key": key, "account": caller.account}) == 1
        if done:
            text = "A second factor was removed"
            told = event(hub, "account", network=network, path="/account/factors", **by(caller), description=text)
            await hub.audit.stage(connection, [told])
    return done


_PROVED = (
    session_origin.update()
    .where(session_origin.c.digest == bindparam("k_digest"))
    .values(factors=bindparam("n_factors"))
)
_ORIGIN = insert(session_origin).values({column: bindparam(f"n_{column.name}") for column in session_origin.columns})


async def proved(connection: WriteConnection, secret: str, factors: str) -> None:
    """Note that the person of a session has shown more: a second factor that was just added and tried."""
    if await connection.execute(_PROVED, {"k_digest": digest(secret), "n_factors": factors}) == 0:
        values = {"n_digest": digest(secret), "n_network": "", "n_agent": "", "n_factors": factors}
        await connection.execute(_ORIGIN, values)
