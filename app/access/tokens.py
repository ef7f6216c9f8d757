"""The OAuth 2.0 token endpoint's work: a signed client assertion becomes a short-lived opaque token.

SMART App Launch 2.2, Backend Services: https://hl7.org/fhir/smart-app-launch/backend-services.html; RFC 7523.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import bindparam, delete, insert, select

from app.access.tables import assertion, client, token
from app.consent.purposes import NUMBERS
from app.db import Database, DatabaseConnection

ALGORITHMS = ["ES384", "RS384", "ES256"]
"""Signature algorithms of client assertions; the first two are SMART's."""

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_ASSERTION_SECONDS = 300
CLOCK_SKEW_SECONDS = 30

_CLIENT = select(client.c.key, client.c.jwks, client.c.disabled).where(client.c.id == bindparam("id"))
_USED = select(assertion.c.ends).where(assertion.c.digest == bindparam("digest"))
_USE = insert(assertion).values(digest=bindparam("n_digest"), ends=bindparam("n_ends"))
_FORGET_ASSERTIONS = delete(assertion).where(assertion.c.ends < bindparam("now"))
_FORGET_TOKENS = delete(token).where(token.c.ends < bindparam("now"))
_ISSUE = insert(token).values({column: bindparam(f"n_{column.name}") for column in token.columns})


class TokenRefused(Exception):
    """No token; `error` is the code of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


def digest(text: str) -> bytes:
    """Return the SHA-256 of a secret; only this is stored."""
    return hashlib.sha256(text.encode()).digest()


def _unverified_subject(text: str) -> str:
    """Return the `sub` of an assertion before its signature is checked, to find the client's keys."""
    try:
        from base64 import urlsafe_b64decode

        part = text.split(".")[1]
        subject = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))["sub"]
    except (IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise TokenRefused("invalid_client", "The assertion is not a JWT with a subject") from error
    # Databases take neither NUL nor half a surrogate pair; neither is printable.
    if not isinstance(subject, str) or not subject.isprintable():
        raise TokenRefused("invalid_client", "The assertion is not a JWT with a subject")
    return subject


def _claims(text: str, keys: KeySet, audience: str, now_seconds: float) -> dict[str, Any]:
    """Return the claims of an assertion whose signature and claims hold.

    Raises:
        TokenRefused: one does not hold; the text says which.
    """
    try:
        claims = jwt.decode(text, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused("invalid_client", f"The assertion's signature does not hold: {error}") from error
    audiences = claims.get("aud")
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        raise TokenRefused("invalid_client", f"The assertion's audience is not {audience}")
    if claims.get("iss") != claims.get("sub"):
        raise TokenRefused("invalid_client", "The assertion's issuer and subject are not the client")
    ends = claims.get("exp")
    # Asked this way round, since NaN is neither before nor after anything.
    if not isinstance(ends, int | float) or not ends >= now_seconds - CLOCK_SKEW_SECONDS:
        raise TokenRefused("invalid_client", "The assertion has expired")
    if ends > now_seconds + LONGEST_ASSERTION_SECONDS + CLOCK_SKEW_SECONDS:
        raise TokenRefused("invalid_client", f"The assertion lasts longer than {LONGEST_ASSERTION_SECONDS} s")
    if not claims.get("jti"):
        raise TokenRefused("invalid_client", "The assertion has no jti")
    return claims


def _purpose(claims: Mapping[str, Any]) -> str:
    """Return the purpose of use: the first one in the IUA extension claim, TREAT when there is none.

    https://profiles.ihe.net/ITI/IUA/index.html#371413-jwt-access-token
    """
    extensions = claims.get("extensions")
    iua = extensions.get("ihe_iua") if isinstance(extensions, dict) else None
    stated = iua.get("purpose_of_use") if isinstance(iua, dict) else None
    if not stated:
        return "TREAT"
    code = stated[0].get("code") if isinstance(stated, list) and isinstance(stated[0], dict) else None
    if not isinstance(code, str) or code not in NUMBERS:
        raise TokenRefused("invalid_request", "The purpose of use is not known here")
    return code


async def _find_client(connection: DatabaseConnection, id: str) -> tuple[int, KeySet]:
    rows = await connection.fetch(_CLIENT, {"id": id})
    if not rows or rows[0][2]:
        raise TokenRefused("invalid_client", "The client is not known")
    try:
        return int(rows[0][0]), KeySet.import_key_set(json.loads(rows[0][1]))
    except (JoseError, ValueError) as error:
        raise TokenRefused("invalid_client", "The client has no key that the hub can read") from error


async def issue(
    database: Database, *, client_assertion: str, scope: str, audience: str, now: int, seconds: int
) -> tuple[str, str]:
    """Return a new token and the id of the client it was issued to.

    Args:
        database: The hub's database.
        client_assertion: The JWT that the client signed.
        scope: The scopes asked for.
        audience: The address of this token endpoint.
        now: The present in microseconds since 1970 UTC.
        seconds: How long the token lasts.

    Raises:
        TokenRefused: the client is unknown, or its assertion does not hold or was used before.
    """
    client_id = _unverified_subject(client_assertion)
    key, keys = await _find_client(database.reader, client_id)
    claims = _claims(client_assertion, keys, audience, now / 1e6)
    purpose = _purpose(claims)
    used = digest(f"{client_id}\n{claims['jti']}")
    text = secrets.token_urlsafe(32)
    async with database.write() as connection:
        await connection.execute(_FORGET_ASSERTIONS, {"now": now - 60_000_000})
        await connection.execute(_FORGET_TOKENS, {"now": now})
        await connection.lock(int.from_bytes(used[:8], signed=True))
        if await connection.fetch(_USED, {"digest": used}):
            raise TokenRefused("invalid_client", "The assertion was used before")
        await connection.execute(_USE, {"n_digest": used, "n_ends": int(claims["exp"] * 1e6)})
        values = {"digest": digest(text), "client": key, "purpose": purpose, "scope": scope}
        row = {f"n_{name}": value for name, value in values.items()} | {"n_ends": now + seconds * 1_000_000}
        await connection.execute(_ISSUE, row)
    return text, client_id
