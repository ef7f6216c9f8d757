"""Sessions of people: sign-in by name and password, sign-out, and the change of a password.

Each of these is an audit record in the same transaction as its effect. 安全管理ガイドライン 6.0 シス14.
"""

import hmac
import secrets
from typing import Any

from sqlalchemy import BigInteger, Integer, Text, and_, bindparam, case, delete, insert, select, update

from app.access import epoch
from app.access.caller import Caller, Role
from app.access.passwords import WeakPassword, check_rule, hash_password, verify_password
from app.access.tables import account, organisation, session
from app.access.tokens import digest
from app.audit.record import Event
from app.db import WriteConnection
from app.hub import Hub
from fhir.store.connection import Row

TOUCH_MICROSECONDS = 60_000_000
"""How exactly a session's last use is kept; a write for each request would cost more than it tells."""

LONGEST_PASSWORD = 1_000
"""Characters of the longest password that is looked at."""

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

_ACCOUNT = (
    select(
        *(account.c.key, account.c.password, account.c.role, account.c.title, account.c.waits_until),
        *(account.c.disabled, organisation.c.resource_id),
    )
    .join(organisation, organisation.c.key == account.c.organisation)
    .where(account.c.name == bindparam("name"))
)
_PASSWORD = select(account.c.password).where(account.c.key == bindparam("key"))
_FAIL = (
    update(account)
    .where(account.c.key == bindparam("k_key"), account.c.waits_until <= bindparam("k_now", type_=BigInteger))
    .values(
        failures=account.c.failures + 1,
        waits_until=case(
            (account.c.failures + 1 >= bindparam("n_attempts", type_=Integer), bindparam("n_until", type_=BigInteger)),
            else_=account.c.waits_until,
        ),
    )
)
_SUCCEED = (
    update(account)
    .where(
        and_(
            account.c.key == bindparam("k_key"),
            account.c.disabled == 0,
            account.c.password == bindparam("k_password", type_=Text),
            account.c.waits_until <= bindparam("k_now", type_=BigInteger),
        )
    )
    .values(failures=0)
)
_BEGIN = insert(session).values({column: bindparam(f"n_{column.name}") for column in session.columns})
_FORGET = delete(session).where(session.c.ends <= bindparam("now", type_=BigInteger))
_END = delete(session).where(session.c.digest == bindparam("digest"))
_END_OTHERS = delete(session).where(session.c.account == bindparam("key"), session.c.digest != bindparam("digest"))
_USED = select(session.c.used).where(session.c.digest == bindparam("digest"))
_TOUCH = update(session).where(session.c.digest == bindparam("k_digest")).values(used=bindparam("n_used"))
_CHANGE = (
    update(account)
    .where(
        account.c.key == bindparam("k_key"),
        account.c.password == bindparam("k_password", type_=Text),
        account.c.waits_until <= bindparam("k_now", type_=BigInteger),
    )
    .values(password=bindparam("n_password"), must_change=0, failures=0)
)


_NOBODY: Row = (-1, None, "", "", 0, 0, "")
"""The row of an account that does not exist: no statement finds it."""


class SignInRefused(Exception):
    """Nobody is signed in; the caller is not told why."""


class WrongPassword(Exception):
    """The present password is not the one given."""


def csrf_token(secret: str) -> str:
    """Return the token that forms of the session with this cookie carry; the cookie cannot be found from it."""
    return hmac.digest(secret.encode(), b"renkei/csrf", "sha256").hex()


def _event(hub: Hub, interaction: str, network: str, path: str, **fields: Any) -> Event:
    return Event(
        recorded=hub.clock(),
        action="E",
        interaction=interaction,
        client="portal",
        network=network or None,
        method="POST",
        path=path,
        **fields,
    )


def _person(caller: Caller) -> dict[str, Any]:
    return {
        "user": caller.user,
        "user_name": caller.user_title,
        "organisation": caller.organisation_reference,
        "role": caller.role,
        "purpose": caller.purpose,
    }


async def sign_in(hub: Hub, name: str, password: str, *, network: str = "") -> str:
    """Return the secret of a new session, for the cookie.

    An unknown name, a wrong password, a disabled account and one that waits after too many wrong passwords take the
    same work and are refused alike; the audit record says which it was.

    Args:
        hub: The running hub.
        name: The account's name.
        password: As typed.
        network: The address the request came from.

    Raises:
        SignInRefused: nobody is signed in.
        DatabaseUnavailable: neither the session nor its audit record could be written.
    """
    rows = await hub.database.reader.fetch(_ACCOUNT, {"name": name})
    key, stored, role, title, waits_until, disabled, resource_id = rows[0] if rows else _NOBODY
    right = await verify_password(password[:LONGEST_PASSWORD], stored)
    who: dict[str, Any] = {}
    if rows:
        # The name of an account that does not exist is not kept: it may be a password, typed in the wrong field.
        who = {"user": name, "user_name": title, "organisation": f"Organization/{resource_id}", "role": role}
    secret, now = secrets.token_urlsafe(32), hub.clock()
    async with hub.database.write() as connection:
        done = right and await connection.execute(_SUCCEED, {"k_key": key, "k_password": stored, "k_now": now}) == 1
        if done:
            await _begin(hub, connection, secret, key, PURPOSES[role], now)
            await hub.audit.stage(
                connection, [_event(hub, "sign-in", network, "/sign-in", **who, purpose=PURPOSES[role])]
            )
        else:
            until = now + hub.settings.password_wait_seconds * 1_000_000
            failed = {"k_key": key, "k_now": now, "n_attempts": hub.settings.password_attempts, "n_until": until}
            await connection.execute(_FAIL, failed)
            reason = _reason(known=bool(rows), disabled=bool(disabled), waits=waits_until > now)
            event = _event(hub, "sign-in", network, "/sign-in", **who, outcome="8", outcome_desc=reason)
            await hub.audit.stage(connection, [event])
    if not done:
        raise SignInRefused
    return secret


def _reason(*, known: bool, disabled: bool, waits: bool) -> str:
    """Return why a sign-in was refused, for the audit record alone."""
    if not known:
        return "No account has this name"
    if disabled:
        return "The account is disabled"
    return "The account waits after too many wrong passwords" if waits else "The password is wrong"


async def _begin(hub: Hub, connection: WriteConnection, secret: str, key: int, purpose: str, now: int) -> None:
    ends = now + hub.settings.session_hours * 3_600_000_000
    await connection.execute(_FORGET, {"now": now})
    values = {"digest": digest(secret), "account": key, "purpose": purpose, "begun": now, "used": now, "ends": ends}
    await connection.execute(_BEGIN, {f"n_{name}": value for name, value in values.items()})


async def touch(hub: Hub, secret: str) -> None:
    """Note that a session is in use, at most once a minute."""
    key, now = digest(secret), hub.clock()
    rows = await hub.database.reader.fetch(_USED, {"digest": key})
    if rows and rows[0][0] + TOUCH_MICROSECONDS <= now:
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
        event = _event(hub, "sign-out", network, "/sign-out", **_person(caller), description=text)
        await hub.audit.stage(connection, [event])


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
        check_rule(password, caller.user)
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
            until = now + hub.settings.password_wait_seconds * 1_000_000
            attempts = hub.settings.password_attempts
            await connection.execute(
                _FAIL, {"k_key": caller.account, "k_now": now, "n_attempts": attempts, "n_until": until}
            )
            fields = {"outcome": "8", "outcome_desc": "The present password is wrong"}
        await hub.audit.stage(connection, [_event(hub, "account", network, "/password", **_person(caller), **fields)])
    if not done:
        raise WrongPassword
