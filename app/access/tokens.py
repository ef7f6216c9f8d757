"""The OAuth 2.0 token endpoint's work: a signed client assertion becomes a short-lived opaque token.

SMART App Launch 2.2, Backend Services: https://hl7.org/fhir/smart-app-launch/backend-services.html; RFC 7523.
"""

import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import bindparam, delete, insert, select

from app.access.tables import assertion, token, token_binding, token_patient
from app.consent.purposes import NUMBERS
from app.db import WriteConnection

ALGORITHMS = ["ES384", "RS384", "ES256"]
"""Signature algorithms of client assertions; the first two are SMART's."""

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_ASSERTION_SECONDS = 300
LONGEST_ASSERTION = 10_000
"""Characters."""

CLOCK_SKEW_SECONDS = 30

_USED = select(assertion.c.ends).where(assertion.c.digest == bindparam("digest"))
_USE = insert(assertion).values(digest=bindparam("n_digest"), ends=bindparam("n_ends"))
_FORGET_ASSERTIONS = delete(assertion).where(assertion.c.ends < bindparam("now"))
_FORGET_TOKENS = delete(token).where(token.c.ends < bindparam("now"))
_FORGET_BINDINGS = delete(token_binding).where(
    token_binding.c.digest.in_(select(token.c.digest).where(token.c.ends < bindparam("now")))
)


_FORGET_PATIENTS = delete(token_patient).where(
    token_patient.c.digest.in_(select(token.c.digest).where(token.c.ends < bindparam("now")))
)


class TokenRefused(Exception):
    """No token; `error` is the code of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


class Told(TokenRefused):
    """A refusal that is on record already."""


def digest(text: str) -> bytes:
    """Return the SHA-256 of a secret; only this is stored."""
    return hashlib.sha256(text.encode()).digest()


def unverified_subject(text: str) -> str:
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


def claims_of(text: str, keys: KeySet, audiences: Collection[str], now_seconds: float) -> dict[str, Any]:
    """Return the claims of an assertion whose signature and claims hold.

    Raises:
        TokenRefused: one does not hold; the text says which.
    """
    try:
        claims = jwt.decode(text, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused("invalid_client", f"The assertion's signature does not hold: {error}") from error
    stated = claims.get("aud")
    if not any(one in audiences for one in (stated if isinstance(stated, list) else [stated]) if isinstance(one, str)):
        raise TokenRefused("invalid_client", f"The assertion's audience is not {next(iter(audiences))}")
    if claims.get("iss") != claims.get("sub"):
        raise TokenRefused("invalid_client", "The assertion's issuer and subject are not the client")
    ends = claims.get("exp")
    # Asked this way round, since NaN is neither before nor after anything.
    if not isinstance(ends, int | float) or not ends >= now_seconds - CLOCK_SKEW_SECONDS:
        raise TokenRefused("invalid_client", "The assertion has expired")
    if ends > now_seconds + LONGEST_ASSERTION_SECONDS + CLOCK_SKEW_SECONDS:
        raise TokenRefused("invalid_client", f"The assertion lasts longer than {LONGEST_ASSERTION_SECONDS} s")
    if (
        not isinstance(claims.get("nbf", 0), int | float)
        or not claims.get("nbf", 0) <= now_seconds + CLOCK_SKEW_SECONDS
    ):
        raise TokenRefused("invalid_client", "The assertion is not valid yet")
    if not claims.get("jti"):
        raise TokenRefused("invalid_client", "The assertion has no jti")
    return claims


def purpose_of(claims: Mapping[str, Any], stated_code: str, otherwise: str) -> str:
    """Return the purpose of use: the first one in the IUA extension claim, or a form's `purpose_of_use`.

    https://profiles.ihe.net/ITI/IUA/index.html#371413-jwt-access-token

    Raises:
        TokenRefused: it is not known here.
    """
    extensions = claims.get("extensions")
    iua = extensions.get("ihe_iua") if isinstance(extensions, dict) else None
    stated = iua.get("purpose_of_use") if isinstance(iua, dict) else None
    if not stated and stated_code:
        # A system and a code, or the code alone.
        stated = [{"code": stated_code.rpartition("|")[2]}]
    if not stated:
        return otherwise
    code = stated[0].get("code") if isinstance(stated, list) and isinstance(stated[0], dict) else None
    if not isinstance(code, str) or code not in NUMBERS:
        raise TokenRefused("invalid_request", "The purpose of use is not known here")
    return code


async def use_once(connection: WriteConnection, client_id: str, claims: Mapping[str, Any], now: int) -> None:
    """Note, in the transaction that issues a token, that an assertion was used.

    Raises:
        TokenRefused: it was used before.
    """
    used = digest(f"{client_id}\n{claims['jti']}")
    await connection.execute(_FORGET_ASSERTIONS, {"now": now - 60_000_000})
    await connection.lock(int.from_bytes(used[:8], signed=True))
    if await connection.fetch(_USED, {"digest": used}):
        raise TokenRefused("invalid_client", "The assertion was used before")
    await connection.execute(_USE, {"n_digest": used, "n_ends": int(claims["exp"] * 1e6)})


@dataclass(frozen=True, slots=True)
class Issue:
    """What an access token is for.

    Attributes:
        client: Key of the client.
        purpose: Purpose of use.
        scope: The scopes.
        grant: Key of the grant that it ends with; empty for a system's own.
        certificate: The SHA-256 of the client certificate that it is bound to; empty for none.
        patient_key: Key of the Patient that a system's own token is about; 0 for any.
        patient: The Patient's id.
    """

    client: int
    purpose: str
    scope: str
    grant: str = ""
    certificate: str = ""
    patient_key: int = 0
    patient: str = ""


async def issue(connection: WriteConnection, what: Issue, *, now: int, seconds: int) -> str:
    """Return a new access token, which is stored by its digest alone."""
    text = secrets.token_urlsafe(32)
    await connection.execute(_FORGET_BINDINGS, {"now": now})
    await connection.execute(_FORGET_PATIENTS, {"now": now})
    await connection.execute(_FORGET_TOKENS, {"now": now})
    ends = now + seconds * 1_000_000
    await connection.insert(token, [(digest(text), what.client, what.purpose, what.scope, ends)])
    if what.grant or what.certificate:
        await connection.insert(token_binding, [(digest(text), what.grant, what.certificate, now)])
    if what.patient_key:
        await connection.insert(token_patient, [(digest(text), what.patient_key, what.patient)])
    return text
