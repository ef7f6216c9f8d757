"""Sessions of people: sign-in by name and password, sign-out, and the change of a password.

Each of these is an audit record in the same transaction as its effect. 安全管理ガイドライン 6.0 シス14.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, Text, bindparam, delete, insert, select, update

from app.access import attempts, epoch, factors
from app.access.caller import Caller, Role
from app.access.events import by, event
from app.access.known import Known, by_name
from app.access.passwords import WeakPassword, check_new, hash_password, verify_password
from app.access.person_tables import session_origin, sign_in_step
from app.access.tables import account, session
from app.access.tokens import digest
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

_PASSWORD = select(account.c.password).where(account.c.key == bindparam("key"))
_BEGIN = insert(session).values({column: bindparam(f"n_{column.name}") for column in session.columns})
_ORIGIN = insert(session_origin).values({column: bindparam(f"n_{column.name}") for column in session_origin.columns})
_FORGET = delete(session).where(session.c.ends <= bindparam("now", type_=BigInteger))
_FORGET_ORIGINS = delete(session_origin).where(session_origin.c.digest.not_in(select(session.c.digest)))
_END = delete(session).where(session.c.digest == bindparam("digest"))
_END_OTHERS = delete(session).where(session.c.account == bindparam("key"), session.c.digest != bindparam("digest"))
_END_ONE = delete(session).where(
    session.c.account == bindparam("key"), session.c.digest == bindparam("digest", type_=LargeBinary)
)
_OWN = (
    select(session, session_origin.c.network, session_origin.c.agent, session_origin.c.factors)
    .join(session_origin, session_origin.c.digest == session.c.digest, isouter=True)
    .where(session.c.account == bindparam("key"), session.c.ends > bindparam("now", type_=BigInteger))
    .order_by(session.c.begun.desc())
)
_USED = select(session.c.used).where(session.c.digest == bindparam("digest"))
# A session that is locked stays so, whatever else of it is still on its way.
_TOUCH = (
    update(session)
    .where(session.c.digest == bindparam("k_digest"), session.c.used > 0)
    .values(used=bindparam("n_used"))
)
_FORGET_STEPS = delete(sign_in_step).where(sign_in_step.c.ends <= bindparam("now", type_=BigInteger))
_STEP = insert(sign_in_step).values({column: bindparam(f"n_{column.name}") for column in sign_in_step.columns})
_CHANGE = (
    update(account)
    .where(
        account.c.key == bindparam("k_key"),
        account.c.password == bindparam("k_password", type_=Text),
        account.c.waits_until <= bindparam("k_now", type_=BigInteger),
    )
    .values(password=bindparam("n_password"), must_change=0, failures=0)
)


class SignInRefused(Exception):
    """Nobody is signed in; the caller is not told why."""


class SecondFactorNeeded(Exception):
    """The password was right, and the person has a second factor: `secret` is the cookie of this sign-in."""

    def __init__(self, secret: str) -> None:
        super().__init__("A second factor is needed")
        self.secret = secret


class WrongPassword(Exception):
    """The present password is not the one given."""


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
    told = event(hub, "sign-in", network=network, path="/sign-in", **who(known), outcome="8", outcome_desc=reason)
    await hub.audit.stage(connection, [told])


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
        if everywhere:
            await connection.execute(_END_OTHERS, {"key": caller.account, "digest": b""})
        text = "Every session of the account was ended" if everywhere else None
        told = event(hub, "sign-out", network=network, path="/sign-out", **by(caller), description=text)
        await hub.audit.stage(connection, [told])


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
            text = "Another session of the person was ended"
            told = event(hub, "sign-out", network=network, path="/account/sessions", **by(caller), description=text)
            await hub.audit.stage(connection, [told])
    return done


async def end_all(connection: WriteConnection, account_key: int) -> None:
    """End every session and every begun sign-in of an account, inside a write transaction."""
    await connection.execute(_END_OTHERS, {"key": account_key, "digest": b""})
    await connection.execute(_END_STEPS, {"key": account_key})


_END_STEPS = delete(sign_in_step).where(sign_in_step.c.account == bindparam("key"))


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
            await epoch.grow(connection)
        else:
            await attempts.failed(hub, connection, caller.account, now)
            fields = {"outcome": "8", "outcome_desc": "The present password is wrong"}
        told = event(hub, "account", network=network, path="/password", **by(caller), **fields)
        await hub.audit.stage(connection, [told])
    if not done:
        raise WrongPassword
