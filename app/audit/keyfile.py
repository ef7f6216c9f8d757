"""The two key files of the audit log: the ring of master keys, and the key that signs checkpoints.

A ring is text, one line a key: `renkei-audit-key <id> <base64 of 32 bytes>`. The signing key is a signer key
(https://c2sp.org/signed-note@v1.0.0) or PKCS #8 PEM (https://www.rfc-editor.org/rfc/rfc5958).
"""

import binascii
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.audit.keys import MASTER_BYTES, Keys
from app.audit.note import ED25519, Signer
from app.flush import flush_folder

_TAG = "renkei-audit-key"
_PEM = "-----BEGIN"


class KeyFileError(ValueError):
    """A key file cannot be used as it is."""


class ExposedKeyFile(KeyFileError):
    """Others than the owner and the group's readers may open the file."""


class MalformedKeyFile(KeyFileError):
    """The file does not hold the keys it should."""


def create_master(path: Path) -> Keys:
    """Write a ring of one new master key, readable by its owner only.

    Raises:
        FileExistsError: There is a file already; a master key is never overwritten.
    """
    masters = {1: secrets.token_bytes(MASTER_BYTES)}
    _write_new(path, _ring(masters))
    return Keys(masters)


def read_master(path: Path) -> Keys:
    """Return the ring of a file.

    Raises:
        FileNotFoundError: There is none; `create_master` makes one.
        ExposedKeyFile: Its mode is wider than 0640.
        MalformedKeyFile: It is not a ring.
    """
    return Keys(_masters(path), reread=lambda: _masters(path))


def rotate_master(path: Path) -> Keys:
    """Add a new master key to a ring: it seals from now on, the older ones go on opening.

    Raises:
        FileNotFoundError, ExposedKeyFile, MalformedKeyFile: As `read_master`.
    """
    masters = _masters(path)
    masters[max(masters) + 1] = secrets.token_bytes(MASTER_BYTES)
    keys = Keys(masters)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    _write_new(fresh, _ring(masters))
    fresh.replace(path)
    flush_folder(path.parent)
    return keys


def create_signer(path: Path, name: str, type: bytes = ED25519) -> Signer:
    """Write a new key that signs checkpoints, readable by its owner only.

    Args:
        path: The file; it must not exist.
        name: The log's origin, such as `hub.example.jp/audit`, or a witness's name.
        type: `ED25519`, or `COSIGNATURE` for a witness.
    """
    signer = Signer.generate(name, type)
    _write_new(path, signer.skey + "\n")
    return signer


def read_signer(path: Path, name: str = "") -> Signer:
    """Return the key that signs checkpoints.

    Args:
        path: A signer key or PKCS #8 PEM.
        name: The log's origin; a signer key must carry it, PEM carries none. Empty: that of the signer key.

    Raises:
        FileNotFoundError: There is none; `create_signer` makes one.
        ExposedKeyFile: Its mode is wider than 0640.
        MalformedKeyFile: It is neither, of another kind than Ed25519, or another log's.
    """
    text = read_key_file(path)
    try:
        signer = _from_pem(text, name) if text.startswith(_PEM) else Signer.parse(text.strip())
    except ValueError as error:
        raise MalformedKeyFile(f"{path}: {error}") from None
    if name and signer.name != name:
        raise MalformedKeyFile(f"{path} is the key of {signer.name}, not of {name}")
    return signer


def prepare_signer(path: Path, name: str) -> Signer:
    """Return the key that will sign after that of `path`: written beside it, and found there when there is one.

    `settled_signer` puts it in its place, once the database names it.
    """
    beside = _next(path)
    if not beside.exists():
        create_signer(beside, name)
    return read_signer(beside, name)


def settled_signer(path: Path, name: str, vkey: str) -> Signer:
    """Return the key that signs according to the database, which may have been named a moment ago.

    Args:
        path: The file of the key that signs.
        name: The log's origin.
        vkey: The key that the database names; empty when none was ever exchanged.

    Raises:
        MalformedKeyFile: It is not in the folder: the folder and the database are not of one hub.
        FileNotFoundError, ExposedKeyFile: As `read_signer`.
    """
    signer = read_signer(path, name)
    if not vkey or signer.verifier.vkey == vkey:
        return signer
    beside = _next(path)
    # Another process may put it in its place at the same time.
    if beside.exists() and read_signer(beside, name).verifier.vkey == vkey:
        with suppress(FileNotFoundError):
            beside.replace(path)
            flush_folder(path.parent)
    signer = read_signer(path, name)
    if signer.verifier.vkey != vkey:
        raise MalformedKeyFile(f"{path} is {signer.verifier.vkey}, but the log is signed with {vkey}")
    return signer


def _next(path: Path) -> Path:
    return path.with_name(path.name + ".next")


def _from_pem(text: str, name: str) -> Signer:
    key = load_pem_private_key(text.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise MalformedKeyFile("not an Ed25519 key")
    return Signer(name, key)


def _ring(masters: dict[int, bytes]) -> str:
    return "".join(f"{_TAG} {number} {binascii.b2a_base64(key).decode()}" for number, key in sorted(masters.items()))


def _masters(path: Path) -> dict[int, bytes]:
    masters = {}
    for number, line in enumerate(read_key_file(path).splitlines(), 1):
        try:
            tag, digits, key = line.split()
            key_id = int(digits)
            octets = binascii.a2b_base64(key, strict_mode=True)
            if tag != _TAG or len(octets) != MASTER_BYTES or not 0 < key_id < 256 or key_id in masters:
                raise ValueError
            masters[key_id] = octets
        except ValueError:
            raise MalformedKeyFile(f"{path}, line {number}: not a master key") from None
    if not masters:
        raise MalformedKeyFile(f"{path} holds no master key")
    return masters


def read_key_file(path: Path) -> str:
    """Return the text of a key file.

    Raises:
        FileNotFoundError: There is none.
        ExposedKeyFile: Its mode is wider than 0640.
    """
    with path.open(encoding="utf-8") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        # A group may read: that is how Kubernetes mounts a secret for a process that is not root.
        if mode & 0o037:
            raise ExposedKeyFile(f"{path} has mode {mode:04o}; a key file has 0600, or 0640 at most")
        return file.read()


def _write_new(path: Path, text: str) -> None:
    """Make a file that is there whole or not at all, whenever the process ends and whoever else makes it."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(unfinished)
    finally:
        unfinished.unlink()
    flush_folder(path.parent)
