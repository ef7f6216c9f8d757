"""Sessions of people: sign-in by name and password, what begins and ends a session.

Each of these is an audit record in the same transaction as its effect. 安全管理ガイドライン 6.0 シス14.
"""

import hmac
import secrets
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, insert, select, update

from app.access import attempts, factors
from app.access.caller import Caller, Role
from app.access.events import by, event
from app.access.known import Known, by_name
from app.access.oauth.grants import end_of_account, end_of_session
from app.access.passwords import verify_password
from app.access.person_tables import session_origin, sign_in_step
from app.access.tables import account, session
from app.access.tokens import digest
from app.consent.break_glass.end import end_of_holder
from app.db import WriteConnection
from app.hub import Hub

TOUCH_MICROSECONDS = 60_000_000
"""How exactly a session's last use is kept; a write for each request would cost more than it tells."""

LONGEST_PASSWORD = 1_000
"""Characters of the longest password that is looked at."""

LONGEST_AGENT = 300
"""Characters of a browser's name that are kept."""

STEP_SECONDS = 300
"""How long the second factor is awaited after a right password."""

PURPOSES: dict[Role, str] = {
    "doctor": "TREAT",
    "nurse": "TREAT",
    "pharmacist": "TREAT",
    "clerk": "PATADMIN",
    "secretariat": "PATADMIN",
    "auditor": "HOPERAT",
    "operator": "HOPERAT",
    "patient": "PATRQT",
}
"""The purpose of use that each role signs in for."""

_BEGIN = insert(session).values({column: bindparam(f"n_{column.name}") for column in session.columns})
_ORIGIN = insert(session_origin).values({column: bindparam(f"n_{column.name}") for column in session_origin.columns})
_FORGET = delete(session).where(session.c.ends <= bindparam("now", type_=BigInteger))
_FORGET_ORIGINS = delete(session_origin).where(session_origin.c.digest.not_in(select(session.c.digest)))
_END = delete(session).where(session.c.digest == bindparam("digest"))
_END_OTHERS = delete(session).where(session.c.account == bindparam("key"), session.c.digest != bindparam("digest"))
_USED = select(session.c.used).where(session.c.digest == bindparam("digest"))
# A session that is locked stays so, whatever else of it is still on its way.
_TOUCH = (
    update(session)
    .where(session.c.digest == bindparam("k_digest"), session.c.used > 0)
    .values(used=bindparam("n_used"))
)
_END_STEPS = delete(sign_in_step).where(sign_in_step.c.account == bindparam("key"))
_FORGET_STEPS = delete(sign_in_step).where(sign_in_step.c.ends <= bindparam("now", type_=BigInteger))
_STEP = insert(sign_in_step).values({column: bindparam(f"n_{column.name}") for column in sign_in_step.columns})


class SignInRefused(Exception):
    """Nobody is signed in; the caller is not told why."""


class SecondFactorNeeded(Exception):
    """The password was right, and the person has a second factor: `secret` is the cookie of this sign-in."""

    def __init__(self, secret: str) -> None:
        super().__init__("A second factor is needed")
        self.secret = secret


def csrf_token(secret: str) -> str:
    """Return the token that forms of the session with this cookie carry; the cookie cannot be found from it."""
    return hmac.digest(secret.encode(), b"renkei/csrf", "sha256").hex()


def who(known: Known | None) -> dict[str, Any]:
    """Return the fields of an event that say whose account it is.

    The name of an account that does not exist is not kept: it may be a password, typed in the wrong field.
    """
    if known is None:
        return {}
    organisation = f"Organization/{known.organisation}"
    return {"user": known.name, "user_name": known.title, "organisation": organisation, "role": known.role}


async def sign_in(hub: Hub, name: str, password: str, *, network: str = "", agent: str = "") -> str:
    """Return the secret of a new session, for the cookie.

    An unknown name, a wrong password, a disabled account and one that waits after too many wrong passwords take the
    same work and are refused alike; the audit record says which it was.

    Args:
        hub: The running hub.
        name: The account's name.
        password: As typed.
        network: The address the request came from.
        agent: What the browser calls itself.

    Raises:
        SignInRefused: nobody is signed in.
        SecondFactorNeeded: nobody is signed in yet; `second_step.finish` goes on.
        DatabaseUnavailable: neither the session nor its audit record could be written.
    """
    known = await by_name(hub.database.reader, name)
    held = await factors.held(hub.database.reader, known.key if known else -1, hub.clock())
    right = await verify_password(password[:LONGEST_PASSWORD], known.password if known else None)
    secret, now = secrets.token_urlsafe(32), hub.clock()
    further = bool(held) and hub.settings.second_factor != "off"
    async with hub.database.write() as connection:
        done = known is not None and right and not known.refusal(now) and await attempts.may(connection, known, now)
        if not done or known is None:
            await _refuse(hub, connection, known, network, now)
        elif further:
            await _await_second(hub, connection, known, secret, network, now)
        else:
            await begin(hub, connection, known, secret, now, network=network, agent=agent, factors="password")
    if not done:
        raise SignInRefused
    if further:
        raise SecondFactorNeeded(secret)
    return secret


async def _refuse(hub: Hub, connection: WriteConnection, known: Known | None, network: str, now: int) -> None:
    """Count and record a sign-in that was refused."""
    await attempts.failed(hub, connection, known.key if known else -1, now)
    reason = "No account has this name" if known is None else known.refusal(now) or "The password is wrong"
    await record_sign_in(hub, connection, network=network, path="/sign-in", reason=reason, known=known)


async def _await_second(
    hub: Hub, connection: WriteConnection, known: Known, secret: str, network: str, now: int
) -> None:
    """Keep a sign-in until the second factor comes. The wrong ones before it are not forgotten yet."""
    await connection.execute(_FORGET_STEPS, {"now": now})
    ends = now + STEP_SECONDS * 1_000_000
    await connection.execute(_STEP, {"n_digest": digest(secret), "n_account": known.key, "n_ends": ends})
    text = "The password was right; the second factor is awaited"
    told = event(hub, "sign-in-step", network=network, path="/sign-in", **who(known), description=text)
    await hub.audit.stage(connection, [told])


async def begin(
    hub: Hub,
    connection: WriteConnection,
    known: Known,
    secret: str,
    now: int,
    *,
    network: str,
    agent: str,
    factors: str,
    path: str = "/sign-in",
) -> None:
    """Begin a session of a person who has proved to be the one, inside a write transaction, and record it.

    Args:
        hub: The running hub.
        connection: The transaction.
        known: The account.
        secret: The cookie's value; a fresh one, never what the browser brought.
        now: The present in microseconds since 1970 UTC.
        network: The address the request came from.
        agent: What the browser calls itself.
        factors: What was shown, parted by spaces.
        path: The form's address, for the record.
    """
    await connection.execute(_FORGET, {"now": now})
    await connection.execute(_FORGET_ORIGINS, {})
    purpose = PURPOSES[known.role]
    ends = min(now + hub.settings.session_hours * 3_600_000_000, known.ends)
    key = digest(secret)
    row = {"digest": key, "account": known.key, "purpose": purpose, "begun": now, "used": now, "ends": ends}
    await connection.execute(_BEGIN, {f"n_{name}": value for name, value in row.items()})
    origin = {"digest": key, "network": network, "agent": agent[:LONGEST_AGENT], "factors": factors}
    await connection.execute(_ORIGIN, {f"n_{name}": value for name, value in origin.items()})
    await attempts.signed_in(connection, known, now)
    told = event(hub, "sign-in", network=network, path=path, **who(known), purpose=purpose, description=f"By {factors}")
    await hub.audit.stage(connection, [told])


_NO_FIRST_PASSWORD = (
    update(account)
    .where(account.c.key == bindparam("k_key"), account.c.must_change == 1)
    .values(password="", must_change=0)
)


async def void_first_password(connection: WriteConnection, account_key: int) -> None:
    """Void a first password, which others know, of a person whom an outside provider has proved: nobody needs it."""
    await connection.execute(_NO_FIRST_PASSWORD, {"k_key": account_key})


async def record_sign_in(
    hub: Hub, connection: WriteConnection, *, network: str, path: str, reason: str, known: Known | None = None
) -> None:
    """Record a sign-in that was refused, and why, inside a write transaction."""
    told = event(hub, "sign-in", network=network, path=path, **who(known), outcome="8", outcome_desc=reason)
    await hub.audit.stage(connection, [told])


async def record_sign_out(hub: Hub, connection: WriteConnection, *, network: str, path: str, text: str) -> None:
    """Record that sessions were ended by somebody else than their person, inside a write transaction."""
    await hub.audit.stage(connection, [event(hub, "sign-out", network=network, path=path, description=text)])


async def touch(hub: Hub, secret: str) -> None:
    """Note that a session is in use, at most once a minute."""
    key, now = digest(secret), hub.clock()
    rows = await hub.database.reader.fetch(_USED, {"digest": key})
    if rows and 0 < rows[0][0] <= now - TOUCH_MICROSECONDS:
        async with hub.database.write() as connection:
            await connection.execute(_TOUCH, {"k_digest": key, "n_used": now})


async def sign_out(hub: Hub, caller: Caller, secret: str, *, everywhere: bool = False, network: str = "") -> None:
    """End a session, or every session of the person.

    Raises:
        DatabaseUnavailable: it could not be ended.
    """
    async with hub.database.write() as connection:
        await connection.execute(_END, {"digest": digest(secret)})
        await end_of_session(connection, digest(secret))
        await end_of_holder(connection, digest(secret), hub.clock(), caller.user)
        if everywhere:
            await connection.execute(_END_OTHERS, {"key": caller.account, "digest": b""})
            await end_of_account(connection, caller.account)
        text = "Every session of the account was ended" if everywhere else None
        told = event(hub, "sign-out", network=network, path="/sign-out", **by(caller), description=text)
        await hub.audit.stage(connection, [told])


async def end_all(connection: WriteConnection, account_key: int) -> None:
    """End every session and every begun sign-in of an account, inside a write transaction."""
    await connection.execute(_END_OTHERS, {"key": account_key, "digest": b""})
    await connection.execute(_END_STEPS, {"key": account_key})
    await end_of_account(connection, account_key)
