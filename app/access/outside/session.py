"""From the claims of the provider to a session of an account, and to the end of it.

Nobody is made an account by signing in: who has none is refused, and that is on record.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from app.access import sessions
from app.access.known import Known, by_name
from app.access.outside.tables import outside_identity, outside_session
from app.access.tables import session
from app.access.tokens import digest
from app.comma import parts
from app.db import WriteConnection
from app.hub import Hub

PATH = "/sign-in/outside"

FACTORS = "outside outside-second"
"""What such a session was begun by: the provider, which has seen or sees to a second factor."""

ANY = "any"
"""The setting by which one factor is enough, or the provider is left to see to the second."""

_KNOWN_AS = select(outside_identity.c.subject).where(
    outside_identity.c.account == bindparam("key"), outside_identity.c.issuer == bindparam("issuer")
)
_WHOSE = select(outside_identity.c.account).where(
    outside_identity.c.issuer == bindparam("issuer"), outside_identity.c.subject == bindparam("subject")
)
_KNOW = insert(outside_identity).values({one: bindparam(f"n_{one.name}") for one in outside_identity.columns})
_BEGIN = insert(outside_session).values({one: bindparam(f"n_{one.name}") for one in outside_session.columns})
_FORGET = delete(outside_session).where(outside_session.c.digest.not_in(select(session.c.digest)))
_BEGUN_BY = select(outside_session.c.issuer).where(outside_session.c.digest == bindparam("digest"))


def _of(sid: bool) -> Any:
    column = outside_session.c.sid if sid else outside_session.c.subject
    return delete(session).where(
        session.c.digest.in_(
            select(outside_session.c.digest).where(
                outside_session.c.issuer == bindparam("issuer"), column == bindparam("who")
            )
        )
    )


_END = {True: _of(True), False: _of(False)}
KNOWING = 0x6F69_6463
"""The key of the lock under which an account and a subject of the provider come to be one."""


class NotLetIn(Exception):
    """The provider has proved who it is, but no session begins; the text says why, for the audit log alone."""


def name_in(claims: Mapping[str, Any], claim: str) -> str:
    """Return the account's name that claims state, empty when they state none that can be trusted."""
    name = claims.get(claim)
    if claim == "email" and claims.get("email_verified") is not True:
        return ""
    return name if isinstance(name, str) and 0 < len(name) <= 200 and name.isprintable() else ""


def second_factor(claims: Mapping[str, Any], wanted: str) -> str:
    """Return the word of `amr`, or the `acr`, that shows two factors; empty when there is none.

    RFC 8176; https://openid.net/specs/openid-connect-core-1_0.html#IDToken

    Args:
        claims: Of the ID token.
        wanted: The words that show it, parted by commas.
    """
    methods = claims.get("amr")
    said = [one for one in methods if isinstance(one, str)] if isinstance(methods, list) else []
    said.append(str(claims.get("acr", "")))
    words = set(parts(wanted)) - {ANY}
    return next((one for one in said if one in words), "")


async def let_in(hub: Hub, claims: Mapping[str, Any], *, network: str, agent: str) -> str:
    """Return the secret of a new session of the account that claims state; it is on record, and so is a refusal.

    Raises:
        NotLetIn: there is no such account, it is closed, another person of the provider has it, or a second factor is
            wanted and was not shown.
        DatabaseUnavailable: neither the session nor its record could be written.
    """
    settings, now, secret = hub.settings, hub.clock(), secrets.token_urlsafe(32)
    name, factor = name_in(claims, settings.oidc_claim), second_factor(claims, settings.oidc_second_factor)
    async with hub.database.write() as connection:
        await connection.lock(KNOWING)
        known = await by_name(connection, name)
        reason = await _refusal(connection, known, claims, now)
        if not reason and not factor and ANY not in parts(settings.oidc_second_factor):
            reason = "The provider shows no second factor"
        if known is None or reason:
            await sessions.record_sign_in(hub, connection, network=network, path=PATH, reason=reason, known=known)
        else:
            await _know(connection, known.key, claims)
            await sessions.void_first_password(connection, known.key)
            shown = {"network": network, "agent": agent, "factors": FACTORS, "path": PATH}
            await sessions.begin(hub, connection, known, secret, now, **shown)
            await _note(connection, secret, claims, factor)
    if reason:
        raise NotLetIn(reason)
    return secret


async def _note(connection: WriteConnection, secret: str, claims: Mapping[str, Any], factor: str) -> None:
    """Note which session of the provider has begun a session here."""
    await connection.execute(_FORGET, {})
    kept = {
        "digest": digest(secret),
        "issuer": claims["iss"],
        "subject": claims["sub"],
        "sid": str(claims.get("sid", ""))[:255],
        "factors": f"outside {factor}".strip(),
    }
    await connection.execute(_BEGIN, {f"n_{column}": value for column, value in kept.items()})


async def _refusal(connection: WriteConnection, known: Known | None, claims: Mapping[str, Any], now: int) -> str:
    """Return why an account may not be signed in to by this subject of the provider, empty when it may."""
    if known is None:
        return "No account has this name"
    if known.disabled:
        return "The account is disabled"
    if known.ends <= now:
        return "The account has ended"
    subjects = await connection.fetch(_KNOWN_AS, {"key": known.key, "issuer": claims["iss"]})
    if subjects and subjects[0][0] != claims["sub"]:
        return "Another person of the provider has this name now"
    others = await connection.fetch(_WHOSE, {"issuer": claims["iss"], "subject": claims["sub"]})
    if any(one[0] != known.key for one in others):
        return "This person of the provider has another account"
    return ""


async def _know(connection: WriteConnection, key: int, claims: Mapping[str, Any]) -> None:
    if not await connection.fetch(_KNOWN_AS, {"key": key, "issuer": claims["iss"]}):
        await connection.execute(_KNOW, {"n_account": key, "n_issuer": claims["iss"], "n_subject": claims["sub"]})


async def was_outside(hub: Hub, secret: str) -> bool:
    """Return whether the provider has begun the session with this cookie."""
    return bool(await hub.database.reader.fetch(_BEGUN_BY, {"digest": digest(secret)}))


async def end_by_provider(hub: Hub, *, sid: str, subject: str, network: str) -> int:
    """End the sessions that the provider says are over; return how many there were.

    Raises:
        DatabaseUnavailable: they could not be ended.
    """
    issuer = hub.settings.oidc_issuer
    async with hub.database.write() as connection:
        ended = await connection.execute(_END[bool(sid)], {"issuer": issuer, "who": sid or subject})
        await connection.execute(_FORGET, {})
        await sessions.record_sign_out(
            hub,
            connection,
            network=network,
            path="/sign-in/outside/logout",
            text=f"The provider has ended {ended} sessions",
        )
    return ended
