"""Guesses are counted: after too many wrong passwords or codes an account waits, and again after each further one.

The count is taken and the wait looked at in the transaction of the attempt, so that guesses sent at once count as well.
"""

from sqlalchemy import BigInteger, Integer, Text, bindparam, case, update

from app.access.known import Known
from app.access.person_tables import standing
from app.access.tables import account
from app.db import WriteConnection
from app.hub import Hub

_key = account.c.key == bindparam("k_key", type_=Integer)
_no_wait = account.c.waits_until <= bindparam("k_now", type_=BigInteger)
_FAIL = (
    update(account)
    .where(_key, _no_wait)
    .values(
        failures=account.c.failures + 1,
        waits_until=case(
            (account.c.failures + 1 >= bindparam("n_attempts", type_=Integer), bindparam("n_until", type_=BigInteger)),
            else_=account.c.waits_until,
        ),
    )
)
_MAY = (
    update(account)
    .where(_key, _no_wait, account.c.disabled == 0, account.c.password == bindparam("k_password", type_=Text))
    .values(failures=account.c.failures)
)
_SUCCEED = update(account).where(_key).values(failures=0)
_SIGNED_IN = (
    update(standing)
    .where(standing.c.account == bindparam("k_key", type_=Integer))
    .values(
        signed_in_before=standing.c.signed_in,
        signed_in=bindparam("n_now", type_=BigInteger),
        missed=bindparam("n_missed", type_=Integer),
    )
)


async def may(connection: WriteConnection, known: Known, now: int) -> bool:
    """Return whether an attempt counts at all: the account is not disabled, does not wait, and is as it was read.

    Until the transaction ends no other attempt at the account is looked at.
    """
    values = {"k_key": known.key, "k_now": now, "k_password": known.password}
    return await connection.execute(_MAY, values) == 1


async def failed(hub: Hub, connection: WriteConnection, key: int, now: int) -> None:
    """Count a wrong password or code."""
    until = now + hub.settings.password_wait_seconds * 1_000_000
    attempts = hub.settings.password_attempts
    await connection.execute(_FAIL, {"k_key": key, "k_now": now, "n_attempts": attempts, "n_until": until})


async def forgiven(connection: WriteConnection, key: int) -> None:
    """Forget the wrong ones: the person has proved to be the one."""
    await connection.execute(_SUCCEED, {"k_key": key})


async def signed_in(connection: WriteConnection, known: Known, now: int) -> None:
    """Note a sign-in, and what was missed before it."""
    await forgiven(connection, known.key)
    await connection.execute(_SIGNED_IN, {"k_key": known.key, "n_now": now, "n_missed": known.failures})
