"""Page cursors: where the next page begins, sealed, and bound to the caller and the query.

A cursor holds no right: the next page is decided anew.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fhir.errors import InvalidValue

_NONCE_BYTES = 12


class Cursors:
    """Seals and opens cursors under a key that all processes share."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, position: Sequence[Any], binding: str) -> str:
        """Return the cursor of a position.

        Args:
            position: The instant of the first page, then the sort values and the row of the last match.
            binding: The caller and the query it is good for.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, orjson.dumps(list(position)), binding.encode())
        return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, cursor: str, binding: str) -> list[Any]:
        """Return the position of a cursor.

        Raises:
            InvalidValue: it was made for another caller or query, or was altered.
        """
        try:
            octets = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            opened = self._cipher.decrypt(octets[:_NONCE_BYTES], octets[_NONCE_BYTES:], binding.encode())
        except (InvalidTag, Base64Error, ValueError) as error:
            raise InvalidValue("This page link is not yours or is not of this query", "_cursor") from error
        position: list[Any] = orjson.loads(opened)
        return position
