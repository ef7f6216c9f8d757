"""Changing the password of a person who is signed in, and asking for the present one before what outlives a session."""

from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, select, update

from app.access import attempts, epoch
from app.access.caller import Caller
from app.access.events import by, event
from app.access.known import by_name
from app.access.oauth.grants import end_of_account
from app.access.passwords import WeakPassword, check_new, hash_password, verify_password
from app.access.sessions import LONGEST_PASSWORD
from app.access.tables import account, session
from app.access.tokens import digest
from app.hub import Hub

_END_OTHERS = delete(session).where(session.c.account == bindparam("key"), session.c.digest != bindparam("digest"))
_PASSWORD = select(account.c.password).where(account.c.key == bindparam("key"))
_CHANGE = (
    update(account)
    .where(
        account.c.key == bindparam("k_key"),
        account.c.password == bindparam("k_password", type_=Text),
        account.c.waits_until <= bindparam("k_now", type_=BigInteger),
    )
    .values(password=bindparam("n_password"), must_change=0, failures=0)
)


class WrongPassword(Exception):
    """The present password is not the one given."""


async def confirm_password(hub: Hub, caller: Caller, present: str, *, network: str = "", path: str = "") -> None:
    """Check that a person who is signed in still is the one, before something that outlives the session.

    Raises:
        WrongPassword: `present` is not the password, or the account waits; it counts like one at the sign-in.
        DatabaseUnavailable: it could not be counted.
    """
    known = await by_name(hub.database.reader, caller.user)
    right = await verify_password(present[:LONGEST_PASSWORD], known.password if known else None)
    now = hub.clock()
    async with hub.database.write() as connection:
        done = known is not None and right and await attempts.may(connection, known, now)
        if done:
            await attempts.forgiven(connection, caller.account)
        else:
            await attempts.failed(hub, connection, caller.account, now)
            reason = {"outcome": "8", "outcome_desc": "The present password is wrong"}
            await hub.audit.stage(
                connection, [event(hub, "account", network=network, path=path, **by(caller), **reason)]
            )
    if not done:
        raise WrongPassword


async def change_password(
    hub: Hub, caller: Caller, secret: str, present: str, password: str, *, network: str = ""
) -> None:
    """Change the password of a person who is signed in, and end the person's other sessions.

    A wrong present password counts like one at the sign-in, so that a session left open gives nobody free guesses.

    Raises:
        WrongPassword: `present` is not the password.
        WeakPassword: the new one breaks the rule.
        DatabaseUnavailable: nothing was changed.
    """
    rows = await hub.database.reader.fetch(_PASSWORD, {"key": caller.account})
    stored = rows[0][0] if rows else None
    right = await verify_password(present[:LONGEST_PASSWORD], stored)
    if right:
        await check_new(password, caller.user, shortest=hub.settings.password_length)
        if password == present:
            raise WeakPassword("A new password is another one")
    hashed = await hash_password(password[:LONGEST_PASSWORD])
    now = hub.clock()
    async with hub.database.write() as connection:
        changes = {"k_key": caller.account, "k_password": stored, "n_password": hashed, "k_now": now}
        done = right and await connection.execute(_CHANGE, changes) == 1
        fields: dict[str, Any] = {"description": "The password was changed"}
        if done:
            await connection.execute(_END_OTHERS, {"key": caller.account, "digest": digest(secret)})
            await end_of_account(connection, caller.account)
            await epoch.grow(connection)
        else:
            await attempts.failed(hub, connection, caller.account, now)
            fields = {"outcome": "8", "outcome_desc": "The present password is wrong"}
        told = event(hub, "account", network=network, path="/password", **by(caller), **fields)
        await hub.audit.stage(connection, [told])
    if not done:
        raise WrongPassword
