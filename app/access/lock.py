"""Locking a session when its person leaves the screen, and unlocking it (クリアスクリーン).

A session is locked when it was not used for `RENKEI_SESSION_MINUTES`, or at once by its person. It opens again by the
password or a passkey, and only for the same person.
"""

from sqlalchemy import BigInteger, LargeBinary, bindparam, update

from app.access import attempts
from app.access.caller import Caller
from app.access.events import by, event
from app.access.factors import held
from app.access.known import by_key
from app.access.passwords import verify_password
from app.access.second_step import Awaited, Given, check
from app.access.sessions import LONGEST_PASSWORD, SignInRefused
from app.access.tables import session
from app.access.tokens import digest
from app.hub import Hub

_SET = (
    update(session)
    .where(session.c.digest == bindparam("k_digest", type_=LargeBinary))
    .values(used=bindparam("n_used", type_=BigInteger))
)


def unlock_binding(secret: str) -> str:
    """Return what a passkey's challenge is bound to when it unlocks the session with this cookie."""
    return f"unlock\n{digest(secret).hex()}"


async def lock(hub: Hub, caller: Caller, secret: str, *, network: str = "") -> None:
    """Lock a session now.

    Raises:
        DatabaseUnavailable: it could not be locked.
    """
    async with hub.database.write() as connection:
        await connection.execute(_SET, {"k_digest": digest(secret), "n_used": 0})
        told = event(hub, "session-locked", network=network, path="/lock", **by(caller))
        await hub.audit.stage(connection, [told])


async def unlock(
    hub: Hub, caller: Caller, secret: str, *, password: str = "", passkey: str = "", network: str = ""
) -> None:
    """Unlock a session by the person's password, or by one of the person's passkeys.

    Raises:
        SignInRefused: it stays locked; a wrong password counts like one at the sign-in.
        DatabaseUnavailable: it stays locked.
    """
    known = await by_key(hub.database.reader, caller.account)
    right = not passkey and await verify_password(password[:LONGEST_PASSWORD], known.password if known else None)
    now = hub.clock()
    async with hub.database.write() as connection:
        done, reason = False, known.refusal(now) if known else "There is no such account"
        if known and not reason and await attempts.may(connection, known, now):
            if passkey:
                found = Awaited(known, await held(connection, known.key, now))
                binding = unlock_binding(secret)
                shown, reason = await check(hub, connection, found, Given(passkey=passkey), binding=binding, now=now)
                done = bool(shown)
            else:
                done, reason = right, "" if right else "The password is wrong"
        if done:
            await attempts.forgiven(connection, caller.account)
            await connection.execute(_SET, {"k_digest": digest(secret), "n_used": now})
        elif not passkey:
            await attempts.failed(hub, connection, caller.account, now)
        outcome = {} if done else {"outcome": "8", "outcome_desc": reason or "The account waits"}
        told = event(hub, "session-unlocked", network=network, path="/unlock", **by(caller), **outcome)
        await hub.audit.stage(connection, [told])
    if not done:
        raise SignInRefused
