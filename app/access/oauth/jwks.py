"""Keys of a client at an address of its own: fetched without being led anywhere else, and kept for a while.

The address was registered by an operator; where its name leads is looked at all the same, each time, since names can
be made to lead inwards. Nothing is redirected, and what is read is bounded.
"""

import asyncio
import base64
import json
import socket
import time
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import httpx
from joserfc.jwk import KeySet

from app.access.tokens import TokenRefused
from app.settings import Settings

KEPT_SECONDS = 300.0
AGAIN_SECONDS = 10.0
"""How soon keys are fetched again for a key that is not among them."""

WAIT_SECONDS = 5.0
MOST_BYTES = 100_000
MOST_KEPT = 1_000

_kept: dict[str, tuple[float, KeySet]] = {}


def _allowed(address: str, networks: str) -> bool:
    """Return whether the hub may fetch from an address: one of the world, or of a network that a setting names."""
    found = ip_address(address)
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    named = [ip_network(one.strip(), strict=False) for one in networks.split(",") if one.strip()]
    return (found.is_global and not found.is_multicast) or any(found in one for one in named)


async def _resolved(host: str, port: int, networks: str) -> str:
    """Return one address of a host, all of which may be fetched from."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TokenRefused("invalid_client", "The address of the client's keys leads nowhere") from error
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    if not addresses or not all(_allowed(one, networks) for one in addresses):
        raise TokenRefused("invalid_client", "The address of the client's keys leads to a network that is not allowed")
    return addresses[0]


async def _fetch(settings: Settings, address: str) -> KeySet:
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in ("127.0.0.1", "::1", "localhost")):
        raise TokenRefused("invalid_client", "The address of the client's keys is not https")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    at = await _resolved(host, port, settings.jwks_networks)
    body = bytearray()
    try:
        async with (
            httpx.AsyncClient(timeout=WAIT_SECONDS, follow_redirects=False, trust_env=False) as fetching,
            fetching.stream(
                "GET",
                httpx.URL(address).copy_with(host=at),
                # Connected to the address that was looked at; the name is for the certificate and the server.
                headers={"host": parts.netloc.rpartition("@")[2], "accept": "application/json"},
                extensions={"sni_hostname": host},
            ) as response,
        ):
            if response.status_code != 200:
                raise TokenRefused("invalid_client", "The client's keys could not be fetched")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise TokenRefused("invalid_client", "The client's keys are too large")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TokenRefused("invalid_client", "The client's keys could not be fetched") from error
    return KeySet.import_key_set(json.loads(bytes(body)))


def _kid(assertion: str) -> str:
    try:
        head = assertion.partition(".")[0]
        found = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        return str(found.get("kid", "")) if isinstance(found, dict) else ""
    except (ValueError, RecursionError):
        return ""


async def keys_at(settings: Settings, address: str, assertion: str) -> KeySet:
    """Return the keys at an address, fetched anew when they are old or lack the key that signed `assertion`.

    Raises:
        TokenRefused: they cannot be fetched.
        ValueError: what is there is no JWK set.
    """
    at, keys = _kept.get(address, (float("-inf"), None))
    age = time.monotonic() - at
    if keys is not None and age < KEPT_SECONDS:
        known = {one.kid for one in keys.keys}
        if age < AGAIN_SECONDS or _kid(assertion) in known:
            return keys
    keys = await _fetch(settings, address)
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[address] = (time.monotonic(), keys)
    return keys
