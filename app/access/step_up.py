"""Proving once more to be the one who signed in, before something grave or after a lock: by the password or a passkey.

A wrong password counts like one at the sign-in.
"""

from dataclasses import dataclass

from app.access import attempts
from app.access.caller import Caller
from app.access.factors import held
from app.access.known import Known, by_key
from app.access.passwords import verify_password
from app.access.second_step import Awaited, Given, check
from app.access.sessions import LONGEST_PASSWORD
from app.access.tokens import digest
from app.db import WriteConnection
from app.hub import Hub


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person has shown."""

    known: Known | None
    password_right: bool
    passkey: str


def step_up_binding(secret: str, what: str) -> str:
    """Return what a passkey's challenge is bound to when it proves the person of a session for one thing."""
    return f"{what}\n{digest(secret).hex()}"


async def shown(hub: Hub, caller: Caller, *, password: str = "", passkey: str = "") -> Shown:
    """Return what a person shows; hashing takes its time, so it is done before the transaction."""
    known = await by_key(hub.database.reader, caller.account)
    right = not passkey and await verify_password(password[:LONGEST_PASSWORD], known.password if known else None)
    return Shown(known, right, passkey)


async def why_not(hub: Hub, connection: WriteConnection, what: Shown, *, binding: str, now: int) -> str:
    """Return why a person has not proved to be the one, empty when that was proved; inside a write transaction.

    What is wrong is counted in it: it must be committed.
    """
    known = what.known
    if known is None:
        return "There is no such account"
    reason = known.refusal(now)
    if not reason and not await attempts.may(connection, known, now):
        reason = "The account waits"
    if not reason and what.passkey:
        found = Awaited(known, await held(connection, known.key, now))
        by, why = await check(hub, connection, found, Given(passkey=what.passkey), binding=binding, now=now)
        reason = "" if by else why
    elif not reason:
        reason = "" if what.password_right else "The password is wrong"
    if not reason:
        await attempts.forgiven(connection, known.key)
    elif not what.passkey:
        await attempts.failed(hub, connection, known.key, now)
    return reason
