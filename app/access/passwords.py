"""Passwords: argon2id hashes in a bounded pool, and the rule of the guideline.

安全管理ガイドライン 6.0 Q&A シQ-54: 13 characters or more when a password is the only factor, 8 beside a second one.
What is guessed first (common passwords, names, dates, keyboard rows) is found by zxcvbn, which brings its lists.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

SHORTEST = 13
"""Characters of the shortest password that is the only factor."""

SHORTEST_OF_TWO = 8
"""Characters of the shortest password that a second factor stands beside."""

GUESSES = 10**8
"""A password that is found within so many guesses is too common."""

_LOOKED_AT = 72
"""Characters that zxcvbn looks at; its time grows with the square, and more can only be stronger."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_pool = ThreadPoolExecutor(2, "argon2")
_NOBODY = _hasher.hash("the password of nobody")
"""Verified when the account does not exist, so that the answer takes as long."""


class WeakPassword(ValueError):
    """The password breaks the rule; the text says which part."""


def check_rule(password: str, name: str, *, shortest: int = SHORTEST) -> None:
    """Check a new password of the account `name`.

    Raises:
        WeakPassword: it is too short, too plain, too common, or holds the account's name.
    """
    if len(password) < shortest:
        raise WeakPassword(f"A password has {shortest} characters or more")
    kinds = (str.islower, str.isupper, str.isdigit)
    if sum(any(kind(character) for character in password) for kind in kinds) < 2:
        raise WeakPassword("A password mixes small letters, capitals, digits or signs")
    if name.lower() in password.lower():
        raise WeakPassword("A password does not contain the account's name")
    if zxcvbn(password[:_LOOKED_AT], user_inputs=[name, "renkei", "連携"])["guesses"] < GUESSES:
        raise WeakPassword("This password is among the first that are guessed")


async def check_new(password: str, name: str, *, shortest: int) -> None:
    """Check a new password beside the event loop, in the bounded pool.

    Raises:
        WeakPassword: it breaks the rule.
    """
    await asyncio.get_running_loop().run_in_executor(_pool, lambda: check_rule(password, name, shortest=shortest))


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
