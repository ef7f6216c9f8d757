"""What the work flow does to accounts: one-time passwords, enabling, changing, disabling.

Each change ends the person's sessions and lets the access epoch grow, in the same transaction: it counts at the next
request, in every process, whatever a session or a token was begun with.
"""

import secrets

from sqlalchemy import BigInteger, Integer, SmallInteger, Text, bindparam, update

from app.access import epoch, factors
from app.access.enrol import ONE_TIME_DAYS
from app.access.passwords import hash_password
from app.access.person_tables import standing
from app.access.sessions import end_all
from app.access.tables import account, session
from app.clock import DAY
from app.db import WriteConnection

_key = account.c.key == bindparam("k_key", type_=Integer)
_standing = standing.c.account == bindparam("k_key", type_=Integer)
_PASSWORD = (
    update(account)
    .where(_key)
    .values(password=bindparam("n_password", type_=Text), must_change=1, failures=0, waits_until=0)
)
_PASSWORD_ENDS = update(standing).where(_standing).values(password_ends=bindparam("n_ends", type_=BigInteger))
_ACCOUNT = (
    update(account)
    .where(_key)
    .values(
        title=bindparam("n_title", type_=Text),
        organisation=bindparam("n_organisation", type_=Integer),
        role=bindparam("n_role", type_=Text),
        disabled=0,
    )
)
_STANDING = (
    update(standing)
    .where(_standing)
    .values(
        head=bindparam("n_head", type_=SmallInteger),
        ends=bindparam("n_ends", type_=BigInteger),
        confirmed=bindparam("n_now", type_=BigInteger),
        confirmed_by=bindparam("n_by", type_=Text),
    )
)
_CONFIRMED = (
    update(standing)
    .where(_standing)
    .values(confirmed=bindparam("n_now", type_=BigInteger), confirmed_by=bindparam("n_by", type_=Text))
)
_DISABLE = update(account).where(_key).values(disabled=1)
_ENDS = update(standing).where(_standing).values(ends=bindparam("n_ends", type_=BigInteger))
_SESSIONS_END = (
    update(session)
    .where(
        session.c.account == bindparam("k_key", type_=Integer),
        session.c.ends > bindparam("n_ends", type_=BigInteger),
    )
    .values(ends=bindparam("n_ends", type_=BigInteger))
)


async def one_time_password() -> tuple[str, str]:
    """Return a one-time password, to be shown once, and its hash."""
    password = secrets.token_urlsafe(12)
    return password, await hash_password(password)


async def set_one_time_password(connection: WriteConnection, key: int, hashed: str, now: int) -> None:
    """Let an account's first sign-in be by a one-time password, which it changes; a wait is over."""
    await connection.execute(_PASSWORD, {"k_key": key, "n_password": hashed})
    await one_time_until(connection, key, now)
    await _cut(connection, key)


async def one_time_until(connection: WriteConnection, key: int, now: int) -> None:
    """Let a one-time password be good for `ONE_TIME_DAYS` from now on."""
    await connection.execute(_PASSWORD_ENDS, {"k_key": key, "n_ends": now + ONE_TIME_DAYS * DAY})


async def enable(
    connection: WriteConnection,
    key: int,
    *,
    title: str,
    organisation: int,
    role: str,
    head: bool,
    ends: int,
    now: int,
    by: str,
) -> None:
    """Give an account the rights that were confirmed by `by`."""
    values = {"k_key": key, "n_title": title, "n_organisation": organisation, "n_role": role}
    await connection.execute(_ACCOUNT, values)
    await connection.execute(_STANDING, {"k_key": key, "n_head": int(head), "n_ends": ends, "n_now": now, "n_by": by})
    await _cut(connection, key)


async def confirmed_again(connection: WriteConnection, key: int, now: int, by: str) -> None:
    """Note that rights were confirmed again; nothing else changes."""
    await connection.execute(_CONFIRMED, {"k_key": key, "n_now": now, "n_by": by})


async def disable(connection: WriteConnection, key: int) -> None:
    """Close an account for good or until new rights are confirmed; its name stays in the log and is not used again."""
    await connection.execute(_DISABLE, {"k_key": key})
    await factors.remove_all(connection, key)
    await _cut(connection, key)


async def end_on(connection: WriteConnection, key: int, ends: int) -> None:
    """Let rights end at an instant; sessions do not outlive it."""
    await connection.execute(_ENDS, {"k_key": key, "n_ends": ends})
    await connection.execute(_SESSIONS_END, {"k_key": key, "n_ends": ends})
    await epoch.grow(connection)


async def _cut(connection: WriteConnection, key: int) -> None:
    await end_all(connection, key)
    await epoch.grow(connection)
