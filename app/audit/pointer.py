"""Pointers: from the HMAC of a patient to the patient's key, encrypted, so that a review needs no search.

A record names its patient by an HMAC alone, and its details open only with the salt of that patient. A pointer leads
there for who holds the master key; for who has the database it is 36 bytes of noise. Once a patient's details were
erased it is empty.

https://csrc.nist.gov/pubs/sp/800/38/d/final
"""

import os
from base64 import urlsafe_b64decode

from cryptography.exceptions import InvalidTag

from app.audit.keys import Keys, UnknownKey

NONCE_BYTES = 12
KEY_BYTES = 8

ERASED = b""
"""What stands in the place of a pointer once the details are gone."""


def hash_of(text: str) -> int:
    """Return the first 64 bits, signed, of an HMAC as a record carries it."""
    return int.from_bytes(urlsafe_b64decode(text[:12])[:8], "big", signed=True)


def point(keys: Keys, hash: int, patient_key: int, year: int, key: int) -> bytes:
    """Return the pointer of an HMAC that was made for a UTC year under a master key."""
    nonce = os.urandom(NONCE_BYTES)
    cipher = keys.pointer_cipher(year, key)
    return nonce + cipher.encrypt(nonce, patient_key.to_bytes(KEY_BYTES, "big", signed=True), _bytes(hash))


def follow(keys: Keys, hash: int, pointer: bytes, year: int, key: int) -> int | None:
    """Return the patient's key; None when the pointer is erased, or does not open: it is another HMAC's."""
    if len(pointer) <= NONCE_BYTES:
        return None
    try:
        cipher = keys.pointer_cipher(year, key)
        opened = cipher.decrypt(pointer[:NONCE_BYTES], pointer[NONCE_BYTES:], _bytes(hash))
    except (InvalidTag, UnknownKey):
        return None
    return int.from_bytes(opened, "big", signed=True)


def _bytes(hash: int) -> bytes:
    return hash.to_bytes(8, "big", signed=True)
