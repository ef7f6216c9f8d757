"""Locking a session when its person leaves the screen, and unlocking it (クリアスクリーン).

A session is locked when it was not used for `RENKEI_SESSION_MINUTES`, or at once by its person. It opens again by the
password or a passkey, and only for the same person.
"""

from sqlalchemy import BigInteger, LargeBinary, bindparam, update

from app.access.caller import Caller
from app.access.events import by, event
from app.access.sessions import SignInRefused
from app.access.step_up import shown, step_up_binding, why_not
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
    return step_up_binding(secret, "unlock")


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
    what = await shown(hub, caller, password=password, passkey=passkey)
    now = hub.clock()
    async with hub.database.write() as connection:
        reason = await why_not(hub, connection, what, binding=unlock_binding(secret), now=now)
        if not reason:
            await connection.execute(_SET, {"k_digest": digest(secret), "n_used": now})
        outcome = {"outcome": "8", "outcome_desc": reason} if reason else {}
        told = event(hub, "session-unlocked", network=network, path="/unlock", **by(caller), **outcome)
        await hub.audit.stage(connection, [told])
    if reason:
        raise SignInRefused
