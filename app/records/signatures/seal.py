"""The hub's seal: documents that the hub makes are signed with its key, and stamped by an authority of time.

Its files are looked at for each seal: a new key counts at once, and one that is gone is noticed.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.audit.keyfile import KeyFileError, read_key_file
from app.audit.stamp import WrongStamp
from app.audit.stamping import ask
from app.clock import EPOCH, instant
from app.settings import Settings
from fhir.errors import FhirError
from fhir.signatures.algorithms import PrivateKey
from fhir.signatures.canonical import document_form
from fhir.signatures.chain import Trust
from fhir.signatures.check import UNREADABLE
from fhir.signatures.seal import Sealed, seal, with_signature
from fhir.signatures.stamp import stamped, token_of
from fhir.signatures.verdict import Failed

if TYPE_CHECKING:
    from app.hub import Hub

Key = tuple[PrivateKey, Sequence[x509.Certificate]]

UNUSABLE = "The seal cannot be used: documents that the hub makes are refused"
RUN_OUT = "The certificate of the seal has run out: nobody trusts what is sealed with it"
OLD_LIST = "A revocation list of signatures has run out: renkei trust add takes a new one"

logger = logging.getLogger(__name__)


class NoSeal(FhirError):
    """The hub is to sign what it makes, and cannot."""

    status = 503
    code = "transient"


def read_key(settings: Settings) -> Key:
    """Return the key of the seal and its certificate with its chain; read anew when a file has changed.

    Raises:
        NoSeal: they cannot be read, or do not belong together.
    """
    if settings.seal_key is None or settings.seal_certificate is None:
        raise NoSeal("The hub has no key to seal with")
    try:
        return _read(
            settings.seal_key, settings.seal_certificate, *map(_state, (settings.seal_key, settings.seal_certificate))
        )
    except (OSError, KeyFileError, *UNREADABLE) as error:
        logger.error("The seal cannot be used: %s", error)
        raise NoSeal("The hub cannot seal its documents now: its key or certificate cannot be used") from error


def _state(path: Path) -> tuple[int, ...]:
    told = path.stat()
    return told.st_mtime_ns, told.st_ctime_ns, told.st_size, told.st_mode


@lru_cache(maxsize=4)
def _read(key_path: Path, certificate_path: Path, *_: tuple[int, ...]) -> Key:
    """Return what two files hold that are as they were; to read an RSA key takes many times what a seal takes."""
    key = load_pem_private_key(read_key_file(key_path).encode(), password=None)
    chain = x509.load_pem_x509_certificates(certificate_path.read_bytes())
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("the key is neither RSA nor ECDSA")
    if key.public_key() != chain[0].public_key():
        raise ValueError("the certificate is not that of the key")
    return key, chain


def warnings(hub: "Hub") -> list[str]:
    """Return what the operator must know of the seal, and of the lists of what was revoked."""
    present = EPOCH + timedelta(microseconds=hub.clock())
    found = []
    if hub.settings.seal_key is not None:
        try:
            found += [RUN_OUT] if read_key(hub.settings)[1][0].not_valid_after_utc < present else []
        except NoSeal:
            found.append(UNUSABLE)
    lists = hub.trust.current().revoked
    found += [OLD_LIST] if any(one.next_update_utc and one.next_update_utc < present for one in lists) else []
    return found


def _made(settings: Settings, content: bytes, claimed: str) -> Sealed:
    key, chain = read_key(settings)
    try:
        return seal(key, chain, content, claimed)
    except Failed as error:
        raise NoSeal(f"The hub cannot seal its documents now: {error}") from error


async def seal_content(settings: Settings, trust: Trust, content: bytes, now: int) -> bytes:
    """Return the detached JWS of some content, stamped where an authority of time is set and answers.

    Raises:
        NoSeal: the key cannot be used.
    """
    made = await asyncio.to_thread(_made, settings, content, instant(now))
    token = await _token(settings.seal_timestamp, made.value.encode(), trust) if settings.seal_timestamp else b""
    return made.stamped(token) if token else made.compact()


async def _token(address: str, content: bytes, trust: Trust) -> bytes:
    """Return a time stamp; empty when there is none: a document is not withheld for the want of one."""
    from rfc3161_client import TimestampRequestBuilder

    asked = TimestampRequestBuilder().data(content).build()
    try:
        answer = await ask(address, asked.as_bytes())
        # A stamp that nobody could check later is none.
        stamped(answer, content, trust.stamps, asked)
    except (OSError, Failed, WrongStamp, httpx.HTTPError, httpx.InvalidURL) as error:
        logger.error("What the hub signs cannot be stamped by %s: %s", address, error)
        return b""
    return token_of(answer)


async def sealed(hub: "Hub", body: bytes) -> bytes:
    """Return a Bundle that the hub has made, signed when it has a key to do so.

    Args:
        hub: The running hub.
        body: The Bundle's JSON, without a signature.

    Raises:
        NoSeal: the key cannot be used.
    """
    settings = hub.settings
    if settings.seal_key is None:
        return body
    now = hub.clock()
    trust = await asyncio.to_thread(hub.trust.current)
    jws = await seal_content(settings, trust, await asyncio.to_thread(document_form, body), now)
    return with_signature(body, jws, when=instant(now), who=settings.region)
