"""Signed notes: text under Ed25519 signatures, and the text form of their keys.

A witness signs beside the text when it saw it: a cosignature.

https://c2sp.org/signed-note@v1.0.0
https://c2sp.org/tlog-cosignature
"""

import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
"""The signature type of plain Ed25519, section "Signature types"."""

COSIGNATURE = b"\x04"
"""The signature type of a witness: Ed25519 with the time."""

_TYPES = (ED25519, COSIGNATURE)

SIGNATURES_MAX = 100
"""More signatures than this are refused unread; the standard asks for 16 at least."""

_TIME_BYTES = 8
_HEX_DIGITS = frozenset("0123456789abcdef")
_MARK = "\N{EM DASH} "
_SECRET = "PRIVATE+KEY+"  # noqa: S105 - the mark of a secret, not one


class NoteError(ValueError):
    """A note or a key of a note cannot be accepted."""


class MalformedKey(NoteError):
    """The text is not a verifier key or a signer key."""


class MalformedNote(NoteError):
    """The text is not a signed note."""


class UnknownSigner(NoteError):
    """No signature of the note is by a key that was asked for."""


class WrongSignature(NoteError):
    """A signature carries the name and id of a known key, which did not make it."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key and the name it signs under."""

    name: str
    """Not empty; without Unicode spaces and plus signs; a URL without its scheme by custom."""
    public_key: bytes
    """32 bytes, as RFC 8032 writes them."""
    type: bytes = ED25519
    """`ED25519`, or `COSIGNATURE` for a witness."""

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(map(str.isspace, self.name)):
            raise MalformedKey(f"a key's name is not empty and holds no space and no plus: {self.name!r}")
        if len(self.public_key) != 32:
            raise MalformedKey(f"an Ed25519 public key has 32 bytes, not {len(self.public_key)}")

    @property
    def id(self) -> bytes:
        """The 4 bytes that, with the name, tell which key signed; an identifier, not a proof."""
        return sha256(self.name.encode() + b"\n" + self.type + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        """The text form, to publish: `<name>+<id>+<base64>`."""
        return f"{self.name}+{self.id.hex()}+{_base64(self.type + self.public_key)}"

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Return the verifier a text stands for.

        Raises:
            MalformedKey: It is not a verifier key, of another type than Ed25519, or its id is not its key's.
        """
        name, key_id, public_key, type_ = _fields(vkey)
        verifier = cls(name, public_key, type_)
        if verifier.id != key_id:
            raise MalformedKey(f"the id {key_id.hex()} is not that of the key")
        return verifier

    def accepts(self, text: str, signature: bytes) -> bool:
        """Tell whether this key made `signature`, without its id, over `text`."""
        if self.type == COSIGNATURE:
            seconds = cosigned(signature)
            text, signature = _cosigned_text(text, seconds), signature[_TIME_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key and the name it signs under."""

    name: str
    key: Ed25519PrivateKey
    type: bytes = ED25519
    """`ED25519`, or `COSIGNATURE` for a witness."""

    @classmethod
    def generate(cls, name: str, type: bytes = ED25519) -> Self:
        """Return a new key under `name`."""
        return cls(name, Ed25519PrivateKey.generate(), type)

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.key.public_key().public_bytes_raw(), self.type)

    @property
    def skey(self) -> str:
        """The text form, to keep secret: `PRIVATE+KEY+<name>+<id>+<base64>`."""
        return f"{_SECRET}{self.name}+{self.verifier.id.hex()}+{_base64(self.type + self.key.private_bytes_raw())}"

    @classmethod
    def parse(cls, skey: str) -> Self:
        """Return the signer a text stands for.

        Raises:
            MalformedKey: It is not a signer key, of another type than Ed25519, or its id is not its key's.
        """
        if not skey.startswith(_SECRET):
            raise MalformedKey(f"a signer key begins with {_SECRET}")
        name, key_id, seed, type_ = _fields(skey.removeprefix(_SECRET))
        signer = cls(name, Ed25519PrivateKey.from_private_bytes(seed), type_)
        if signer.verifier.id != key_id:
            raise MalformedKey(f"the id {key_id.hex()} is not that of the key")
        return signer

    def sign(self, text: str, seconds: int = 0) -> str:
        """Return the signature line over `text`, its newline included.

        Args:
            text: What is signed.
            seconds: The present since 1970 UTC, which a cosignature states.
        """
        if self.type == COSIGNATURE:
            value = seconds.to_bytes(_TIME_BYTES, "big") + self.key.sign(_cosigned_text(text, seconds).encode())
        else:
            value = self.key.sign(text.encode())
        return f"{_MARK}{self.name} {_base64(self.verifier.id + value)}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    id: bytes
    value: bytes


def sign(text: str, *signers: Signer) -> str:
    """Return the note of `text` with one signature line a signer.

    Raises:
        MalformedNote: `text` does not end in a newline or holds control characters, or nobody signs it.
    """
    if not text.endswith("\n") or not signers:
        raise MalformedNote("a note is a text that ends in a newline, and a signature")
    _refuse_control_characters(text)
    return text + "\n" + "".join(one.sign(text) for one in signers)


def parse(note: str | bytes) -> tuple[str, list[Signature]]:
    """Return the text and the signatures of a note, nothing of it verified.

    Raises:
        MalformedNote: It is not a signed note.
    """
    try:
        whole = note if isinstance(note, str) else note.decode()
    except UnicodeDecodeError:
        raise MalformedNote("a note is valid UTF-8") from None
    _refuse_control_characters(whole)
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise MalformedNote("a note is a text, an empty line and signature lines, each ended by a newline")
    signatures = lines.removesuffix("\n").split("\n")
    if len(signatures) > SIGNATURES_MAX:
        raise MalformedNote(f"a note of {len(signatures)} signatures is refused")
    return text + "\n", [_signature(line) for line in signatures]


def verify(note: str | bytes, verifiers: Iterable[Verifier]) -> tuple[str, list[Verifier]]:
    """Return the text of a note that known keys signed, and which of them did.

    Signatures of unknown keys are ignored, so that witnesses may add theirs.

    Raises:
        MalformedNote: It is not a signed note.
        WrongSignature: A signature names a known key, which did not make it.
        UnknownSigner: No signature is by a known key.
    """
    text, signatures = parse(note)
    known = {(one.name, one.id): one for one in verifiers}
    accepted = []
    for signature in signatures:
        verifier = known.get((signature.name, signature.id))
        if verifier is None or verifier in accepted:
            continue
        if not verifier.accepts(text, signature.value):
            raise WrongSignature(f"the signature of {verifier.name}+{verifier.id.hex()} is wrong")
        accepted.append(verifier)
    if not accepted:
        raise UnknownSigner(f"none of the keys {', '.join(one.vkey for one in known.values())} signed this")
    return text, accepted


def _signature(line: str) -> Signature:
    name, space, value = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not space or not name or "+" in name or any(map(str.isspace, name)):
        raise MalformedNote(f"not a signature line: {line!r}")
    try:
        decoded = _unbase64(value)
    except ValueError:
        raise MalformedNote(f"not base64: {value!r}") from None
    if len(decoded) < 5:
        raise MalformedNote("a signature is a key's id of 4 bytes and what it signed")
    return Signature(name, decoded[:4], decoded[4:])


def cosigned(signature: bytes) -> int:
    """Return when a witness signed, in seconds since 1970 UTC, as the signature without its id says."""
    return int.from_bytes(signature[:_TIME_BYTES], "big")


def signature_lines(note: str) -> str:
    """Return the signature lines of a note, or of an answer that is nothing but such lines."""
    return note.rpartition("\n\n")[2]


def _cosigned_text(text: str, seconds: int) -> str:
    """Return what a witness signs: https://c2sp.org/tlog-cosignature section "Ed25519 signed message"."""
    return f"cosignature/v1\ntime {seconds}\n{text}"


def _fields(text: str) -> tuple[str, bytes, bytes, bytes]:
    """Return name, id, 32 bytes of key and type of a key's text form."""
    name, _, rest = text.partition("+")
    digits, _, key = rest.partition("+")
    try:
        decoded = _unbase64(key)
        if len(digits) != 8 or not set(digits) <= _HEX_DIGITS:
            raise ValueError
    except ValueError:
        raise MalformedKey("a key is <name>+<id, 8 hexadecimal digits>+<base64>") from None
    if decoded[:1] not in _TYPES or len(decoded) != 33:
        raise MalformedKey("only Ed25519 keys (types 1 and 4, 32 bytes) are known")
    return name, bytes.fromhex(digits), decoded[1:], decoded[:1]


def _refuse_control_characters(text: str) -> None:
    if any(one < " " and one != "\n" for one in text):
        raise MalformedNote("a note holds no control characters but newlines")


def _base64(octets: bytes) -> str:
    return binascii.b2a_base64(octets, newline=False).decode()


def _unbase64(text: str) -> bytes:
    octets = binascii.a2b_base64(text, strict_mode=True)
    if _base64(octets) != text:
        raise ValueError("the unused bits of the last character are not zero")
    return octets
