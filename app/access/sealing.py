"""What the hub keeps sealed for access, and the challenges it hands out: AES-256-GCM and HMAC-SHA256.

A challenge needs no row while nobody has answered it: it carries its instant and is told from a forged one by its HMAC.
"""

import hmac
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.audit.keys import Keys, UnknownKey

CHALLENGE_SECONDS = 600
"""How long a challenge can be answered."""

_NONCE_BYTES, _RANDOM_BYTES, _INSTANT_BYTES = 12, 16, 8


class Unopened(ValueError):
    """It was sealed for something else, under a key that is gone, or was altered."""


def seal(keys: Keys, octets: bytes, binding: str) -> bytes:
    """Return `octets` sealed under the current key of the ring; `binding` says what for, and opens it again."""
    nonce = os.urandom(_NONCE_BYTES)
    cipher = AESGCM(keys.access_key(keys.current))
    return bytes([keys.current]) + nonce + cipher.encrypt(nonce, octets, binding.encode())


def unseal(keys: Keys, sealed: bytes, binding: str) -> bytes:
    """Return what was sealed.

    Raises:
        Unopened: it was not sealed so.
    """
    try:
        cipher = AESGCM(keys.access_key(sealed[0]))
        return cipher.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], binding.encode())
    except (IndexError, InvalidTag, UnknownKey, ValueError) as error:
        raise Unopened("It does not open") from error


def _tag(keys: Keys, body: bytes, binding: str) -> bytes:
    return hmac.digest(keys.access_key(keys.current), b"challenge\0" + body + binding.encode(), "sha256")


def challenge(keys: Keys, binding: str, now: int) -> bytes:
    """Return a fresh challenge that is good for `binding`; `now` is in microseconds since 1970 UTC."""
    body = secrets.token_bytes(_RANDOM_BYTES) + now.to_bytes(_INSTANT_BYTES)
    return body + _tag(keys, body, binding)


def holds(keys: Keys, stated: bytes, binding: str, now: int) -> bool:
    """Return whether a challenge was handed out for `binding` within the last `CHALLENGE_SECONDS`."""
    body, tag = stated[: _RANDOM_BYTES + _INSTANT_BYTES], stated[_RANDOM_BYTES + _INSTANT_BYTES :]
    if not hmac.compare_digest(tag, _tag(keys, body, binding)):
        return False
    age = now - int.from_bytes(body[_RANDOM_BYTES:])
    return 0 <= age <= CHALLENGE_SECONDS * 1_000_000
