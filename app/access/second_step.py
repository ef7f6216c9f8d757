"""The second step of a sign-in: a one-time password, a recovery or temporary code, a passkey; or a passkey alone.

What is given is checked, used up and counted in one transaction: of two uses of one code at once, one is refused.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, delete, select

from app.access import attempts, passkeys, recovery, totp
from app.access.events import event
from app.access.factors import PASSKEY, TEMPORARY, TOTP, Factor, held
from app.access.known import Known, by_key
from app.access.passkeys import PasskeyRefused
from app.access.person_tables import sign_in_step
from app.access.sealing import Unopened
from app.access.sessions import SignInRefused, begin, who
from app.access.tokens import digest
from app.db import WriteConnection
from app.hub import Hub

_STEP = select(sign_in_step.c.account).where(
    sign_in_step.c.digest == bindparam("digest"), sign_in_step.c.ends > bindparam("now", type_=BigInteger)
)
_DONE = delete(sign_in_step).where(sign_in_step.c.digest == bindparam("digest"))


@dataclass(frozen=True, slots=True)
class Awaited:
    """A sign-in whose password was right."""

    known: Known
    factors: Sequence[Factor]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of factors the person has."""
        return frozenset(one.kind for one in self.factors)


@dataclass(frozen=True, slots=True)
class Given:
    """What the person gave: a code as typed, or the browser's proof of a passkey."""

    code: str = ""
    passkey: str = ""


def step_binding(secret: str) -> str:
    """Return what a passkey's challenge is bound to in the second step of this sign-in."""
    return f"step\n{digest(secret).hex()}"


SIGN_IN = "sign-in"
"""What a passkey's challenge is bound to at a sign-in without a name."""


async def awaited(hub: Hub, secret: str) -> Awaited:
    """Return the sign-in that a cookie belongs to.

    Raises:
        SignInRefused: there is none, or it took too long.
    """
    now = hub.clock()
    rows = await hub.database.reader.fetch(_STEP, {"digest": digest(secret), "now": now})
    known = await by_key(hub.database.reader, rows[0][0]) if rows else None
    if known is None:
        raise SignInRefused
    return Awaited(known, await held(hub.database.reader, known.key, now))


def temporary_digest(account: int, code: str) -> bytes:
    """Return the digest under which a temporary code is kept."""
    return digest(f"temporary\n{account}\n{recovery.normal(code)}")


async def _by_code(hub: Hub, connection: WriteConnection, found: Awaited, code: str, now: int) -> str:
    """Return by what a code is right, after using it up; empty when it is wrong."""
    plain = "".join(code.split())[:40]
    for one in found.factors:
        if one.kind == TOTP and await totp.use(hub.audit.keys, connection, one, plain, now):
            return TOTP
        if one.kind == TEMPORARY and hmac.compare_digest(one.secret, temporary_digest(found.known.key, plain)):
            return TEMPORARY
    return "recovery" if await recovery.use(connection, found.known.key, plain, now) else ""


async def check(
    hub: Hub, connection: WriteConnection, found: Awaited, given: Given, *, binding: str, now: int
) -> tuple[str, str]:
    """Return by what the person has proved to be the one, and why not when that is empty; inside a transaction."""
    if not given.passkey:
        try:
            return await _by_code(hub, connection, found, given.code, now), "The code is wrong, or was used before"
        except Unopened:
            return "", "The secret of the one-time passwords cannot be read: a master key is missing"
    stated = await passkeys.stated(connection, given.passkey)
    if stated is None or stated.account != found.known.key:
        return "", "The passkey is not one of this person"
    try:
        await passkeys.use(hub.settings, hub.audit.keys, connection, stated, given.passkey, binding=binding, now=now)
    except PasskeyRefused as error:
        return "", str(error)
    return PASSKEY, ""


async def finish(hub: Hub, secret: str, given: Given, *, network: str = "", agent: str = "") -> str:
    """Return the secret of a new session after a right second factor; that of the step is good no longer.

    Raises:
        SignInRefused: nobody is signed in. The step goes on being awaited until its time or the account waits.
        DatabaseUnavailable: nothing was written.
    """
    found = await awaited(hub, secret)
    session, now = secrets.token_urlsafe(32), hub.clock()
    async with hub.database.write() as connection:
        by, reason = "", found.known.refusal(now)
        if not reason and await attempts.may(connection, found.known, now):
            by, reason = await check(hub, connection, found, given, binding=step_binding(secret), now=now)
        if by and await connection.execute(_DONE, {"digest": digest(secret)}) == 1:
            shown = f"password {by}"
            await begin(
                *(hub, connection, found.known, session, now),
                network=network,
                agent=agent,
                factors=shown,
                path="/sign-in/second",
            )
        else:
            by = ""
            await _refused(hub, connection, found.known, network, reason, now)
    if not by:
        raise SignInRefused
    return session


async def _refused(
    hub: Hub,
    connection: WriteConnection,
    known: Known,
    network: str,
    reason: str,
    now: int,
    path: str = "/sign-in/second",
) -> None:
    await attempts.failed(hub, connection, known.key, now)
    reason = reason or "The account waits after too many wrong passwords"
    told = event(hub, "sign-in", network=network, path=path, **who(known), outcome="8", outcome_desc=reason)
    await hub.audit.stage(connection, [told])


async def sign_in_by_passkey(hub: Hub, answer: str, *, network: str = "", agent: str = "") -> str:
    """Return the secret of a new session of the person whose passkey this is: two factors in one.

    Raises:
        SignInRefused: nobody is signed in.
        DatabaseUnavailable: nothing was written.
    """
    session, now = secrets.token_urlsafe(32), hub.clock()
    factor = await passkeys.stated(hub.database.reader, answer) if hub.settings.second_factor != "off" else None
    known = await by_key(hub.database.reader, factor.account) if factor else None
    async with hub.database.write() as connection:
        by, reason = "", known.refusal(now) if known else "The passkey is not known"
        # One of a passkey cannot be guessed, so a wrong one makes nobody wait; an account that waits does wait.
        if known and not reason and await attempts.may(connection, known, now):
            found = Awaited(known, await held(connection, known.key, now))
            by, reason = await check(hub, connection, found, Given(passkey=answer), binding=SIGN_IN, now=now)
        if by and known:
            await begin(
                *(hub, connection, known, session, now),
                network=network,
                agent=agent,
                factors=by,
                path="/sign-in/passkey",
            )
        else:
            path = "/sign-in/passkey"
            told = event(hub, "sign-in", network=network, path=path, **who(known), outcome="8", outcome_desc=reason)
            await hub.audit.stage(connection, [told])
    if not by:
        raise SignInRefused
    return session
