"""What people have allowed apps: made with its code, used up, renewed, and ended with everything that came of it.

A code and a refresh token are good once. One that comes a second time was copied, and nobody can tell which of the two
is the thief: the grant ends, and every token with it (RFC 6749, section 4.1.2; RFC 9700, section 4.14.2).
"""

import secrets
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, select, update

from app.access import epoch
from app.access.tables import (
    account,
    app_grant,
    authorization_code,
    client,
    organisation,
    refresh_token,
    session,
    token,
    token_binding,
)
from app.access.tokens import digest
from app.clock import DAY
from app.db import DatabaseConnection, WriteConnection

CODE_MICROSECONDS = 60_000_000
"""How long a code is good: a minute; IUA allows five."""

_SESSION_GOES_ON = select(session.c.ends, session.c.used).where(session.c.digest == bindparam("digest"))


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant, in the order of its table's columns."""

    key: str
    client: int
    account: int
    session: bytes
    purpose: str
    scope: str
    patient_key: int
    patient: str
    encounter: str
    begun: int
    ends: int


@dataclass(frozen=True, slots=True)
class Person:
    """Who allowed it."""

    name: str
    title: str
    role: str
    disabled: int
    must_change: int
    organisation: int
    organisation_title: str
    organisation_id: str

    @property
    def may_act(self) -> bool:
        """Whether the account is neither disabled nor waits for a new password."""
        return not (self.disabled or self.must_change)


@dataclass(frozen=True, slots=True)
class Code:
    """A code as it is kept."""

    grant: str
    redirect_uri: str
    challenge: str
    nonce: str
    used: int
    ends: int


_PERSON = (
    select(
        *(account.c.name, account.c.title, account.c.role, account.c.disabled, account.c.must_change),
        *(account.c.organisation, organisation.c.title, organisation.c.resource_id),
    )
    .join(organisation, organisation.c.key == account.c.organisation)
    .where(account.c.key == bindparam("key"))
)
_GRANT = select(app_grant).where(app_grant.c.key == bindparam("key"))
_CODE = select(*list(authorization_code.c)[1:]).where(authorization_code.c.digest == bindparam("digest"))
_USE_CODE = (
    update(authorization_code)
    .where(authorization_code.c.digest == bindparam("k_digest"), authorization_code.c.used == 0)
    .values(used=1)
)
_REFRESH = select(refresh_token.c.grant, refresh_token.c.used, refresh_token.c.ends).where(
    refresh_token.c.digest == bindparam("digest")
)
_PUBLIC = (
    select(client.c.id)
    .join(app_grant, app_grant.c.client == client.c.key)
    .join(refresh_token, refresh_token.c.grant == app_grant.c.key)
    .where(refresh_token.c.digest == bindparam("digest"), client.c.authentication == "none")
)
_USE_REFRESH = (
    update(refresh_token)
    .where(refresh_token.c.digest == bindparam("k_digest"), refresh_token.c.used == 0)
    .values(used=1)
)
_OF_GRANT = select(token_binding.c.digest).where(token_binding.c.grant == bindparam("grant"))
_END = (
    delete(token).where(token.c.digest.in_(_OF_GRANT)),
    delete(token_binding).where(token_binding.c.grant == bindparam("grant")),
    delete(refresh_token).where(refresh_token.c.grant == bindparam("grant")),
    delete(app_grant).where(app_grant.c.key == bindparam("grant")),
)
_OF_ACCOUNT = select(app_grant.c.key).where(app_grant.c.account == bindparam("account"))
_OF_SESSION = select(app_grant.c.key).where(app_grant.c.session == bindparam("session"))
_OF_CLIENT = select(app_grant.c.key).where(app_grant.c.client == bindparam("client"))
_CLIENT_TOKENS = delete(token).where(token.c.client == bindparam("client"))
_DISABLE = update(client).where(client.c.id == bindparam("k_id")).values(disabled=1).returning(client.c.key)
_now = bindparam("now", type_=BigInteger)
_FORGET = (
    delete(authorization_code).where(authorization_code.c.ends < _now),
    delete(refresh_token).where(refresh_token.c.ends < _now),
    delete(app_grant).where(app_grant.c.ends < _now),
)


async def allow(connection: WriteConnection, grant: Grant, *, redirect_uri: str, challenge: str, nonce: str) -> str:
    """Keep what a person has allowed, and return the code that the app redeems."""
    for forget in _FORGET:
        # A code that was used is kept a day beyond its end, so that a copy of it is known for one.
        await connection.execute(forget, {"now": grant.begun - DAY})
    code = secrets.token_urlsafe(32)
    await connection.insert(app_grant, [astuple(grant)])
    row = (digest(code), grant.key, redirect_uri, challenge, nonce, 0, grant.begun + CODE_MICROSECONDS)
    await connection.insert(authorization_code, [row])
    return code


async def code_of(connection: DatabaseConnection, code: str) -> Code | None:
    """Return a code that was given out; None when there is none like it."""
    rows = await connection.fetch(_CODE, {"digest": digest(code)})
    return Code(*rows[0]) if rows else None


async def use_code(connection: WriteConnection, code: str) -> bool:
    """Use a code up; return whether nobody had."""
    return await connection.execute(_USE_CODE, {"k_digest": digest(code)}) == 1


async def new_refresh(connection: WriteConnection, grant: Grant) -> str:
    """Return a new refresh token of a grant."""
    text = secrets.token_urlsafe(32)
    await connection.insert(refresh_token, [(digest(text), grant.key, 0, grant.ends)])
    return text


async def refresh_of(connection: DatabaseConnection, text: str) -> tuple[str, int, int] | None:
    """Return the grant of a refresh token, whether it was used, and when it ends; None when there is none like it."""
    rows: Sequence[Any] = await connection.fetch(_REFRESH, {"digest": digest(text)})
    return tuple(rows[0]) if rows else None


async def public_client_of(connection: DatabaseConnection, text: str) -> str:
    """Return the id of the public client that a refresh token is of; empty when it is of none."""
    rows = await connection.fetch(_PUBLIC, {"digest": digest(text)})
    return str(rows[0][0]) if rows else ""


async def use_refresh(connection: WriteConnection, text: str) -> bool:
    """Use a refresh token up; return whether nobody had."""
    return await connection.execute(_USE_REFRESH, {"k_digest": digest(text)}) == 1


async def grant_of(connection: DatabaseConnection, key: str) -> Grant | None:
    """Return a grant that has not ended."""
    rows = await connection.fetch(_GRANT, {"key": key})
    return Grant(*rows[0]) if rows else None


async def person_of(connection: DatabaseConnection, grant: Grant) -> Person:
    """Return who allowed a grant."""
    return Person(*(await connection.fetch(_PERSON, {"key": grant.account}))[0])


async def goes_on(connection: DatabaseConnection, grant: Grant, now: int, idle_microseconds: int) -> bool:
    """Return whether a grant may still be renewed: its person may sign in, and its session, if it has one, is alive."""
    person = await person_of(connection, grant)
    if not person.may_act or grant.ends <= now:
        return False
    if not grant.session:
        return True
    rows = await connection.fetch(_SESSION_GOES_ON, {"digest": grant.session})
    return bool(rows) and min(rows[0][0], rows[0][1] + idle_microseconds) > now


async def end(connection: WriteConnection, grant: str) -> None:
    """End a grant and all tokens that came of it, at their next request in every process."""
    for statement in _END:
        await connection.execute(statement, {"grant": grant})
    await epoch.grow(connection)


async def end_of_account(connection: WriteConnection, account_key: int) -> None:
    """End every grant of a person."""
    for (key,) in await connection.fetch(_OF_ACCOUNT, {"account": account_key}):
        await end(connection, key)


async def end_of_session(connection: WriteConnection, session_digest: bytes) -> None:
    """End every grant that was to last as long as a session."""
    for (key,) in await connection.fetch(_OF_SESSION, {"session": session_digest}):
        await end(connection, key)


async def disable_client(connection: WriteConnection, id: str) -> bool:
    """Disable a client, and end its tokens and what people allowed it; return whether it was there."""
    rows = await connection.fetch(_DISABLE, {"k_id": id})
    if not rows:
        return False
    (key,) = rows[0]
    for (grant,) in await connection.fetch(_OF_CLIENT, {"client": key}):
        await end(connection, grant)
    await connection.execute(_CLIENT_TOKENS, {"client": key})
    await epoch.grow(connection)
    return True
