"""Encryption of what is backed up: to public keys, so that the hub itself cannot read its backups.

https://age-encryption.org/v1
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyrage

from app.backup.failures import Damaged, UnknownRecipient, WrongIdentity

Recipient = Any
"""A public key, as pyrage holds it."""
Identity = Any
"""A private key, as pyrage holds it."""


def new_identity(path: Path) -> str:
    """Write a new private key, readable by its owner only, and return its public key: `age1…`.

    Raises:
        FileExistsError: there is a file already; a key is never overwritten.
    """
    identity = pyrage.x25519.Identity.generate()
    recipient = str(identity.to_public())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"# public key: {recipient}\n{identity}\n")
        file.flush()
        os.fsync(file.fileno())
    return recipient


def recipients(texts: Sequence[str]) -> list[Recipient]:
    """Return the public keys that `texts` stand for.

    Raises:
        UnknownRecipient: one of them is none, or there are none at all.
    """
    if not texts:
        raise UnknownRecipient("A backup is encrypted to at least one public key: age1…")
    found = []
    for text in texts:
        try:
            found.append(pyrage.x25519.Recipient.from_str(text))
        except pyrage.RecipientError as error:
            raise UnknownRecipient(f"{text} is not a public key (age1…): {error}") from None
    return found


def identities(path: Path) -> list[Identity]:
    """Return the private keys of a file as `age-keygen` and `new_identity` write it.

    Raises:
        WrongIdentity: it holds none, or something else.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="ascii").splitlines()]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (pyrage.IdentityError, ValueError):
        raise WrongIdentity(f"{path} holds something else than private keys (AGE-SECRET-KEY-1…)") from None
    if not found:
        raise WrongIdentity(f"{path} holds no private key")
    return found


def encrypt(octets: bytes, to: Sequence[Recipient]) -> bytes:
    """Return `octets` encrypted to every one of `to`."""
    encrypted: bytes = pyrage.encrypt(octets, to)
    return encrypted


def decrypt(octets: bytes, by: Sequence[Identity], name: str) -> bytes:
    """Return what was encrypted.

    Args:
        octets: The encrypted bytes.
        by: Private keys, one of which opens it.
        name: The file's name, for the message.

    Raises:
        WrongIdentity: none of the keys opens it.
        Damaged: it is not what was encrypted.
    """
    try:
        decrypted: bytes = pyrage.decrypt(octets, by)
    except (pyrage.DecryptError, OSError) as error:
        raise failure(error, name) from None
    return decrypted


def failure(error: Exception, name: str) -> WrongIdentity | Damaged:
    """Return what a failed decryption of `name` means."""
    if "No matching keys" in str(error):
        return WrongIdentity(f"{name} was not encrypted to this identity")
    return Damaged(f"{name} does not decrypt: {error}")
