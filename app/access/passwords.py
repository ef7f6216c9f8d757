"""Passwords: argon2id hashes in a bounded pool, and the rule of the guideline.

安全管理ガイドライン 6.0 Q&A シQ-54: 13 characters or more when a password is the only factor.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 13
"""Characters of the shortest password."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_pool = ThreadPoolExecutor(2, "argon2")
_NOBODY = _hasher.hash("the password of nobody")
"""Verified when the account does not exist, so that the answer takes as long."""


class WeakPassword(ValueError):
    """The password breaks the rule; the text says which part."""


def check_rule(password: str, name: str) -> None:
    """Check a new password of the account `name`.

    Raises:
        WeakPassword: it is too short, too plain, or holds the account's name.
    """
    if len(password) < SHORTEST:
        raise WeakPassword(f"A password has {SHORTEST} characters or more")
    kinds = (str.islower, str.isupper, str.isdigit)
    if sum(any(kind(character) for character in password) for kind in kinds) < 2:
        raise WeakPassword("A password mixes small letters, capitals, digits or signs")
    if name.lower() in password.lower():
        raise WeakPassword("A password does not contain the account's name")


async def hash_password(password: str) -> str:
    """Return the argon2id hash of `password`."""
    return await asyncio.get_running_loop().run_in_executor(_pool, _hasher.hash, password)


def _verify(password: str, stored: str | None) -> bool:
    try:
        _hasher.verify(stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


async def verify_password(password: str, stored: str | None) -> bool:
    """Return whether `password` has the hash `stored`; None takes as long and is never right."""
    return await asyncio.get_running_loop().run_in_executor(_pool, _verify, password, stored)
