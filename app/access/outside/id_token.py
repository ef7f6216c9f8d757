"""Tokens that the provider signs: the ID token of a sign-in, the logout token of a sign-out.

https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation,
https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation
"""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from app.access.outside.provider import ALGORITHMS, Outside

CLOCK_SKEW_SECONDS = 60
LONGEST_BYTES = 20_000
OLDEST_LOGOUT_SECONDS = 300
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class NotProved(Exception):
    """A token or an answer of the provider does not prove who somebody is; the text says why, for the log."""


def _kid(token: str) -> str:
    try:
        head = token.partition(".")[0]
        found = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return ""
    return str(found.get("kid", "")) if isinstance(found, dict) else ""


async def _signed(outside: Outside, token: str, now_seconds: float) -> Mapping[str, Any]:
    """Return the claims of a token that the provider has signed for this hub."""
    if not 0 < len(token) <= LONGEST_BYTES:
        raise NotProved("There is no token, or it is too long")
    keys = await outside.keys(_kid(token))
    try:
        claims: Mapping[str, Any] = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise NotProved(f"The token's signature does not hold: {type(error).__name__}") from error
    settings = outside.settings
    if claims.get("iss") != settings.oidc_issuer:
        raise NotProved("The token is another issuer's")
    stated = claims.get("aud")
    audiences = stated if isinstance(stated, list) else [stated]
    if settings.oidc_client_id not in audiences:
        raise NotProved("The token is not for this hub")
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != settings.oidc_client_id:
        raise NotProved("The token was issued to another client")
    begun = claims.get("iat")
    if not isinstance(begun, int | float) or not begun <= now_seconds + CLOCK_SKEW_SECONDS:
        raise NotProved("The token is of the future, or does not say when it was made")
    return claims


def _ends(claims: Mapping[str, Any], now_seconds: float) -> None:
    ends = claims.get("exp")
    # Asked this way round, since NaN is neither before nor after anything.
    if not isinstance(ends, int | float) or not ends > now_seconds - CLOCK_SKEW_SECONDS:
        raise NotProved("The token has expired")


async def read_id_token(outside: Outside, token: str, *, nonce: str, now_seconds: float) -> Mapping[str, Any]:
    """Return the claims of an ID token that holds.

    Raises:
        NotProved: it does not; the text says why.
        NotFetched: the provider's keys are not to be had.
    """
    claims = await _signed(outside, token, now_seconds)
    _ends(claims, now_seconds)
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise NotProved("The token is of another sign-in")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise NotProved("The token does not say who it is about")
    return claims


async def read_logout_token(outside: Outside, token: str, *, now_seconds: float) -> tuple[str, str]:
    """Return the `sid` and the `sub` of a logout token that holds; one of them may be empty.

    Raises:
        NotProved: it does not; the text says why.
        NotFetched: the provider's keys are not to be had.
    """
    claims = await _signed(outside, token, now_seconds)
    if "exp" in claims:
        _ends(claims, now_seconds)
    if now_seconds - claims["iat"] > OLDEST_LOGOUT_SECONDS + CLOCK_SKEW_SECONDS:
        raise NotProved("The logout token is old")
    events = claims.get("events")
    if not isinstance(events, dict) or LOGOUT_EVENT not in events or "nonce" in claims:
        raise NotProved("This is no logout token")
    sid, subject = claims.get("sid", ""), claims.get("sub", "")
    if not isinstance(sid, str) or not isinstance(subject, str) or not (sid or subject):
        raise NotProved("The logout token names nobody")
    return sid, subject
