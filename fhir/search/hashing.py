"""Texts as 64-bit integers, so that index rows are narrow."""

from functools import lru_cache
from hashlib import blake2b

_LONGEST_CACHED = 128
"""Characters; what repeats (codes, systems, references) is short, and long texts would fill memory."""


def hash64(text: str) -> int:
    """Return the first 64 bits of BLAKE2b of a text's UTF-8, as a signed integer.

    Never 0, which index rows use for "none".
    """
    return _cached(text) if len(text) <= _LONGEST_CACHED else _digest(text)


def _digest(text: str) -> int:
    # JSON may hold lone surrogates; they hash as themselves instead of failing.
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) or 1


_cached = lru_cache(maxsize=65536)(_digest)
