"""The keys of the audit log: what is derived from the master keys, and how.

HKDF-SHA256, https://www.rfc-editor.org/rfc/rfc5869; docs/keys.md says who holds what.
"""

import hmac
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MASTER_BYTES = 32
SALT_BYTES = 32
"""The length of the random salt that a caller makes and keeps for every patient."""

_CACHED_YEARS = 64
_CACHED_PSEUDONYMS = 16_384
_CACHED_CIPHERS = 4_096


class UnknownKey(KeyError):
    """A record was sealed under a master key that is not in the ring."""


class Keys:
    """A ring of master keys; the one with the highest id seals, all of them open.

    Holds derived keys across calls, because deriving one costs more than using it. Thread-safe.

    Args:
        masters: The keys by their ids.
        reread: Reads the ring again, when another process may have added a key.
    """

    def __init__(self, masters: Mapping[int, bytes], reread: Callable[[], Mapping[int, bytes]] | None = None) -> None:
        self._reread = reread
        self._take(masters)
        self._identifier_key = lru_cache(_CACHED_YEARS)(self._derive_identifier_key)
        self.pseudonym = lru_cache(_CACHED_PSEUDONYMS)(self._pseudonym)
        self.cipher = lru_cache(_CACHED_CIPHERS)(self._cipher)
        self.pointer_cipher = lru_cache(_CACHED_YEARS)(self._pointer_cipher)
        self.hub_cipher = lru_cache(_CACHED_YEARS)(self._hub_cipher)

    def _take(self, masters: Mapping[int, bytes]) -> None:
        if not masters or min(masters) < 1 or max(masters) > 255:
            raise ValueError("a ring holds at least one master key, under ids 1 to 255")
        if any(len(master) != MASTER_BYTES for master in masters.values()):
            raise ValueError(f"a master key has {MASTER_BYTES} bytes")
        self._masters = dict(masters)
        self.current = max(masters)
        """The id of the key that seals."""

    def renew(self) -> bool:
        """Read the ring again and return whether another key seals from now on.

        Raises:
            ValueError, OSError: the ring cannot be read; the keys stay as they are.
        """
        before = self.current
        if self._reread is not None:
            self._take(self._reread())
        return self.current != before

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of all keys in the ring, the current one first."""
        return tuple(sorted(self._masters, reverse=True))

    def identifier_key(self, year: int, key: int | None = None) -> bytes:
        """Return the 32-byte HMAC key that hides identifiers in the records of a UTC year."""
        return self._identifier_key(year, self.current if key is None else key)

    def detail_key(self, salt: bytes, key: int | None = None) -> bytes:
        """Return the 32-byte AES key of one patient's details.

        Without the salt nobody can derive it again, the holder of the master key included.
        """
        if len(salt) < 16:
            raise ValueError("a patient's salt has 16 random bytes at least")
        return self._derive(b"renkei/audit/details", salt, self.current if key is None else key)

    def hub_detail_key(self, year: int, key: int | None = None) -> bytes:
        """Return the 32-byte AES key of the details of one UTC year that belong to no patient."""
        return self._derive(b"renkei/audit/details/hub/%d" % year, None, self.current if key is None else key)

    def pointer_key(self, year: int, key: int | None = None) -> bytes:
        """Return the 32-byte AES key under which the index of one UTC year says whose record it is."""
        return self._derive(b"renkei/audit/pointer/%d" % year, None, self.current if key is None else key)

    def access_key(self, key: int) -> bytes:
        """Return the 32-byte key that seals what access must be able to read again: secrets of one-time passwords."""
        return self._derive(b"renkei/access", None, key)

    def forget(self) -> None:
        """Drop every derived key from memory; call it in every process when a salt was erased."""
        for cache in (self._identifier_key, self.pseudonym, self.cipher, self.hub_cipher, self.pointer_cipher):
            cache.cache_clear()

    def _pseudonym(self, kind: str, value: str, year: int, key: int) -> tuple[str, int]:
        """Return the HMAC of an identifier: base64url without padding, and its first 64 bits, signed.

        The kind is part of the message, so that a person and a patient of one id stay apart.
        """
        digest = hmac.digest(self._identifier_key(year, key), f"{kind}\0{value}".encode(), "sha256")
        text = b2a_base64(digest, newline=False).translate(_URL_ALPHABET, b"=").decode()
        return text, int.from_bytes(digest[:8], "big", signed=True)

    def _cipher(self, salt: bytes, key: int) -> AESGCM:
        return AESGCM(self.detail_key(salt, key))

    def _hub_cipher(self, year: int, key: int) -> AESGCM:
        return AESGCM(self.hub_detail_key(year, key))

    def _pointer_cipher(self, year: int, key: int) -> AESGCM:
        return AESGCM(self.pointer_key(year, key))

    def _derive_identifier_key(self, year: int, key: int) -> bytes:
        return self._derive(b"renkei/audit/identifier/%d" % year, None, key)

    def _derive(self, info: bytes, salt: bytes | None, key: int) -> bytes:
        if key not in self._masters:
            # Another process may seal with a key that came since this one read the ring.
            self.renew()
        master = self._masters.get(key)
        if master is None:
            raise UnknownKey(key)
        return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(master)


_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")
