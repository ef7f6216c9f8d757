"""What the provider says of itself, and its keys; both are kept for a while.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.access.fetch import NotFetched, fetch_json
from app.settings import Settings

KEPT_SECONDS = 3600.0
AGAIN_SECONDS = 30.0
"""How soon the keys are fetched again for a key that is not among them: a provider changes its keys without a word."""

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "RS384", "PS384", "RS512", "PS512", "ES512", "Ed25519", "EdDSA")
"""Signatures that are taken; all are of a key that the hub does not have."""


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider says of itself."""

    issuer: str
    authorization: str
    token: str
    jwks: str
    end_session: str
    """Where a person signs out of the provider; empty when it does not offer that."""
    states_issuer: bool
    """Whether its answers name it (RFC 9207)."""


def read_provider(stated: Mapping[str, Any], issuer: str) -> Provider:
    """Return what a discovery document says.

    Raises:
        NotFetched: it is another issuer's, or lacks what is needed.
    """
    if stated.get("issuer") != issuer:
        raise NotFetched("The provider names another issuer")
    named = {name: stated.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    if not all(isinstance(one, str) and one.startswith(("https://", "http://")) for one in named.values()):
        raise NotFetched("The provider lacks an endpoint")
    if "S256" not in stated.get("code_challenge_methods_supported", ["S256"]):
        raise NotFetched("The provider does not know PKCE with S256")
    ends = stated.get("end_session_endpoint")
    return Provider(
        issuer,
        str(named["authorization_endpoint"]),
        str(named["token_endpoint"]),
        str(named["jwks_uri"]),
        ends if isinstance(ends, str) and ends.startswith(("https://", "http://")) else "",
        stated.get("authorization_response_iss_parameter_supported") is True,
    )


class Outside:
    """The provider of one process of the hub.

    Args:
        settings: Which provider, and where it may be.
        seconds: Ever increasing.
    """

    def __init__(self, settings: Settings, seconds: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self._seconds = seconds
        self._provider: tuple[float, Provider] | None = None
        self._keys: tuple[float, KeySet] | None = None

    @property
    def is_used(self) -> bool:
        """Whether there is one."""
        return bool(self.settings.oidc_issuer)

    async def provider(self) -> Provider:
        """Return what the provider says of itself.

        Raises:
            NotFetched: it cannot be asked.
        """
        kept = self._provider
        if kept is None or self._seconds() - kept[0] > KEPT_SECONDS:
            issuer = self.settings.oidc_issuer
            address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            stated = await fetch_json(address, networks=self.settings.oidc_networks)
            kept = self._provider = (self._seconds(), read_provider(stated, issuer))
        return kept[1]

    async def keys(self, kid: str) -> KeySet:
        """Return the provider's keys, fetched anew when they are old or `kid` is not among them.

        Raises:
            NotFetched: they cannot be fetched, or are no JWK set.
        """
        kept = self._keys
        age = self._seconds() - kept[0] if kept else KEPT_SECONDS * 2
        if kept is None or age > KEPT_SECONDS or (age > AGAIN_SECONDS and kid not in {one.kid for one in kept[1].keys}):
            stated: Any = await fetch_json((await self.provider()).jwks, networks=self.settings.oidc_networks)
            try:
                kept = (self._seconds(), KeySet.import_key_set(stated))
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise NotFetched("The provider's keys cannot be read") from error
            self._keys = kept
        return kept[1]
