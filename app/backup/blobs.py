"""Blobs in a backup: each one encrypted file that all backups of a place share, copied once.

A file's name is an HMAC, so that whoever keeps the backups cannot ask whether a known document is among them, and the
digest of the file, so that the name alone says whether it is still what was written. The recipients are part of the
HMAC: after a change of recipients every blob is copied again, to the new ones.
"""

import asyncio
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyrage
import zstandard

from app.backup import encryption, place
from app.backup.bridge import blocking
from app.backup.encryption import Identity, Recipient
from app.backup.failures import Damaged
from app.blobs import BlobMissing, Blobs, Incoming
from app.flush import flush_folder

NAMES_KEY = "backup-names"
"""The file in the keys folder that holds the HMAC's key."""

_KEY_BYTES = 32


def names_key(keys_folder: Path) -> bytes:
    """Return the key of blob names, made at the first backup."""
    path = keys_folder / NAMES_KEY
    if not path.exists():
        place.write(path, secrets.token_bytes(_KEY_BYTES))
    return path.read_bytes()


@dataclass(frozen=True, slots=True)
class BlobCopier:
    """Copies blobs into a place of backups."""

    blobs: Blobs
    place: Path
    scratch: Path
    """A folder on the same file system, for what is not finished."""
    to: Sequence[Recipient]
    key: bytes

    async def copy(self, custodian: int, digest: str) -> str:
        """Copy a blob unless it is there, and return its file relative to the place.

        Raises:
            Damaged: the hub's own blob is missing or not what its digest says: a backup must not hide that.
        """
        name = self._name(custodian, digest)
        folder = self.place / place.BLOBS / name[:2] / name[2:4]
        known = await asyncio.to_thread(_known, folder, name)
        if known is None:
            pieces = blocking(self.blobs.stream(custodian, digest), asyncio.get_running_loop())
            known = await asyncio.to_thread(self._write, pieces, digest, folder, name)
        return f"{place.BLOBS}/{name[:2]}/{name[2:4]}/{known}"

    def _name(self, custodian: int, digest: str) -> str:
        text = "\n".join([*sorted(str(one) for one in self.to), str(custodian), digest])
        return hmac.digest(self.key, text.encode(), "sha256").hex()

    def _write(self, pieces: Iterator[bytes], digest: str, folder: Path, name: str) -> str:
        source = _Compressed(pieces)
        temporary = self.scratch / "blob.tmp"
        try:
            with temporary.open("wb") as file:
                target = _Hashed(file)
                pyrage.encrypt_io(source, target, self.to)
                file.flush()
                os.fsync(file.fileno())
        except pyrage.EncryptError as error:
            raise source.failure or error from None
        if source.sha256.hexdigest() != digest:
            raise Damaged(f"The hub's blob {digest} is damaged: its bytes have another digest")
        if not folder.exists():
            folder.mkdir(parents=True)
            for above in (folder, folder.parent, folder.parent.parent):
                flush_folder(above.parent)
        known = f"{name}.{target.sha256.hexdigest()}.age"
        temporary.rename(folder / known)
        flush_folder(folder)
        return known


def _known(folder: Path, name: str) -> str | None:
    """Return the file of a blob that was copied before."""
    return next((one.name for one in folder.glob(f"{name}.*.age")), None)


def digest_of(name: str) -> str:
    """Return the digest that a blob's file name states."""
    return name.rsplit("/", 1)[-1].split(".")[1]


class _Compressed:
    """A reader of compressed pieces that hashes them as they come."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.sha256 = hashlib.sha256()
        self.failure: Exception | None = None
        self._pieces = pieces
        self._compressor = zstandard.ZstdCompressor(3).compressobj()
        self._waiting = bytearray()
        self._ended = False

    def read(self, count: int) -> bytes:
        """Return at most `count` bytes; none at the end."""
        while len(self._waiting) < count and not self._ended:
            self._more()
        taken = bytes(self._waiting[:count])
        del self._waiting[:count]
        return taken

    def _more(self) -> None:
        try:
            piece = next(self._pieces, None)
        except Exception as error:
            # The encryption hides what its reader raised; the copier takes it from here.
            missing = isinstance(error, BlobMissing)
            self.failure = Damaged(f"The hub's blob {error} is missing") if missing else error
            raise
        if piece is None:
            self._waiting += self._compressor.flush()
            self._ended = True
        else:
            self.sha256.update(piece)
            self._waiting += self._compressor.compress(piece)


class _Hashed:
    """A file that hashes what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self.sha256 = hashlib.sha256()
        self._file = file

    def write(self, octets: bytes) -> int:
        """Write all of `octets`."""
        self.sha256.update(octets)
        return self._file.write(octets)


class _Decompressed:
    """Takes compressed pieces, hashes what comes out, and passes it on."""

    def __init__(self, target: Incoming | None) -> None:
        self.sha256 = hashlib.sha256()
        self._decompressor = zstandard.ZstdDecompressor().decompressobj()
        self._target = target

    def write(self, octets: bytes) -> int:
        """Take a piece."""
        plain = self._decompressor.decompress(octets)
        self.sha256.update(plain)
        if self._target is not None:
            self._target.write(plain)
        return len(octets)

    def flush(self) -> None:
        """Do nothing: the end of the stream flushes."""


def read(path: Path, digest: str, by: Sequence[Identity], target: Incoming | None = None) -> None:
    """Read a blob's file to its end, into `target` when there is one.

    Raises:
        WrongIdentity: it was not encrypted to any of `by`.
        Damaged: it is not the blob of this digest.
    """
    plain = _Decompressed(target)
    try:
        with path.open("rb") as file:
            pyrage.decrypt_io(file, plain, by)
    except FileNotFoundError:
        raise Damaged(f"{path.name} is missing") from None
    except (pyrage.DecryptError, zstandard.ZstdError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # not of the encryption, which numbers none, but of a disk: full, or failing
        raise encryption.failure(error, path.name) from None
    if plain.sha256.hexdigest() != digest:
        raise Damaged(f"{path.name} holds another blob than {digest}")
