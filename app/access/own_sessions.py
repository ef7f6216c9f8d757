"""The sessions of one person, as the person sees them, each to be ended.

安全管理ガイドライン 6.0 シス14: whoever sees a sign-in that was not theirs can end it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, LargeBinary, bindparam, delete, select

from app.access.caller import Caller
from app.access.events import by, event
from app.access.oauth.grants import end_of_session
from app.access.person_tables import session_origin
from app.access.tables import session
from app.access.tokens import digest
from app.hub import Hub

_END_ONE = delete(session).where(
    session.c.account == bindparam("key"), session.c.digest == bindparam("digest", type_=LargeBinary)
)
_OWN = (
    select(session, session_origin.c.network, session_origin.c.agent, session_origin.c.factors)
    .join(session_origin, session_origin.c.digest == session.c.digest, isouter=True)
    .where(session.c.account == bindparam("key"), session.c.ends > bindparam("now", type_=BigInteger))
    .order_by(session.c.begun.desc())
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A session as its person sees it."""

    id: str
    """Its digest in hexadecimal, by which it is ended; the cookie cannot be found from it."""
    begun: int
    used: int
    """0 while it is locked."""
    network: str
    agent: str
    factors: str
    own: bool
    """Whether it is the one that asks."""


async def own_sessions(hub: Hub, caller: Caller, secret: str) -> Sequence[Begun]:
    """Return the sessions of a person, the newest first."""
    rows = await hub.database.reader.fetch(_OWN, {"key": caller.account, "now": hub.clock()})
    return [
        Begun(bytes(row[0]).hex(), row[3], row[4], row[6] or "", row[7] or "", row[8] or "", row[0] == digest(secret))
        for row in rows
    ]


async def end_one(hub: Hub, caller: Caller, id_: str, *, network: str = "") -> bool:
    """End one of the person's sessions; return whether it was there.

    Raises:
        DatabaseUnavailable: it could not be ended.
    """
    try:
        key = bytes.fromhex(id_)
    except ValueError:
        return False
    async with hub.database.write() as connection:
        done = await connection.execute(_END_ONE, {"key": caller.account, "digest": key}) == 1
        if done:
            await end_of_session(connection, key)
            text = "Another session of the person was ended"
            told = event(hub, "sign-out", network=network, path="/account/sessions", **by(caller), description=text)
            await hub.audit.stage(connection, [told])
    return done
