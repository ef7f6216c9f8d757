"""The way to the provider and back: the authorisation request, and the code that becomes claims.

Authorisation code with PKCE (S256), state and nonce: RFC 6749, RFC 7636, RFC 9207, RFC 9700.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.access.fetch import NotFetched, basic, fetch_json
from app.access.outside.id_token import NotProved, read_id_token
from app.access.outside.provider import Outside
from app.hub import Hub
from fhir.errors import InvalidValue

BACK = "/sign-in/outside/back"
"""The address that the provider sends a person back to; it is registered with the provider."""

MINUTES = 10
"""How long a person may take at the provider."""

SCOPE = "openid profile email"
_BINDING = "sign-in/outside"


def outside_of(hub: Hub) -> Outside:
    """Return the provider of a hub."""
    if hub.outside is None:
        hub.outside = Outside(hub.settings)
    return hub.outside


async def begin(hub: Hub, wanted: str) -> tuple[str, str]:
    """Return the address at the provider that a person is sent to, and what the browser keeps meanwhile.

    Args:
        hub: The running hub.
        wanted: The page of the hub that the person wants to see.

    Raises:
        NotFetched: the provider cannot be asked.
    """
    outside = outside_of(hub)
    provider = await outside.provider()
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code",
        "client_id": hub.settings.oidc_client_id,
        "redirect_uri": hub.settings.address + BACK,
        "scope": SCOPE,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    ends = hub.clock() + MINUTES * 60_000_000
    kept = hub.cursors.seal([state, nonce, verifier, wanted, ends], _BINDING)
    joint = "&" if "?" in provider.authorization else "?"
    return f"{provider.authorization}{joint}{urlencode(asked)}", kept


async def finish(hub: Hub, answer: Mapping[str, str], kept: str) -> tuple[Mapping[str, Any], str]:
    """Return the claims of the person who comes back, and the page that the person wanted to see.

    Args:
        hub: The running hub.
        answer: The parameters that the provider sent the browser back with.
        kept: What the browser kept.

    Raises:
        NotProved: the answer is not to what this browser asked, or proves nothing; the text says why.
        NotFetched: the provider cannot be asked.
    """
    try:
        state, nonce, verifier, wanted, ends = hub.cursors.open(kept, _BINDING)
    except InvalidValue as error:
        raise NotProved("This browser has asked for no sign-in") from error
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise NotProved("The answer is to another question")
    if ends <= hub.clock():
        raise NotProved("The sign-in has taken too long")
    outside = outside_of(hub)
    provider = await outside.provider()
    issuer = answer.get("iss")
    if issuer != provider.issuer and (issuer is not None or provider.states_issuer):
        raise NotProved("The answer is another provider's")
    if "error" in answer or not answer.get("code"):
        raise NotProved(f"The provider refuses: {answer.get('error', 'no code')[:100]}")
    claims = await read_id_token(
        outside,
        await _exchanged(hub, provider.token, answer["code"], verifier),
        nonce=nonce,
        now_seconds=hub.clock() / 1e6,
    )
    return claims, wanted


async def _exchanged(hub: Hub, address: str, code: str, verifier: str) -> str:
    """Return the ID token that a code is good for."""
    settings = hub.settings
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": settings.address + BACK,
        "code_verifier": verifier,
    }
    authorization = ""
    if settings.oidc_client_secret:
        authorization = basic(settings.oidc_client_id, settings.oidc_client_secret)
    else:
        form["client_id"] = settings.oidc_client_id
    answer = await fetch_json(
        address, networks=settings.oidc_networks, form=form, authorization=authorization, statuses=(200, 400, 401)
    )
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise NotProved(f"The provider gives no token: {str(answer.get('error', ''))[:100]}")
    return token


async def way_out(hub: Hub) -> str:
    """Return the address at which a person signs out of the provider, empty when there is none.

    https://openid.net/specs/openid-connect-rpinitiated-1_0.html
    """
    try:
        provider = await outside_of(hub).provider()
    except NotFetched:
        return ""
    if not provider.end_session:
        return ""
    asked = {"client_id": hub.settings.oidc_client_id, "post_logout_redirect_uri": f"{hub.settings.address}/"}
    joint = "&" if "?" in provider.end_session else "?"
    return f"{provider.end_session}{joint}{urlencode(asked)}"
