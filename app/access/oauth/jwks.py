"""Keys of a client at an address of its own: fetched without being led anywhere else, and kept for a while.

The address was registered by an operator; where its name leads is looked at all the same, each time, since names can
be made to lead inwards. Nothing is redirected, and what is read is bounded.
"""

import base64
import json
import logging
import time
from typing import Any

from joserfc.jwk import KeySet

from app.access.fetch import NotFetched, fetch_json
from app.access.tokens import TokenRefused
from app.settings import Settings

KEPT_SECONDS = 300.0
AGAIN_SECONDS = 10.0
"""How soon keys are fetched again for a key that is not among them."""

MOST_KEPT = 1_000

logger = logging.getLogger(__name__)

_kept: dict[str, tuple[float, KeySet]] = {}


async def _fetch(settings: Settings, address: str) -> KeySet:
    try:
        stated: Any = await fetch_json(address, networks=settings.jwks_networks)
    except NotFetched as reason:
        # Why is for the operator: it tells of the hub's network.
        logger.warning("The keys of a client cannot be fetched: %s", reason)
        raise TokenRefused("invalid_client", "The address of the client's keys cannot be used") from reason
    return KeySet.import_key_set(stated)


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
