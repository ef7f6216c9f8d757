"""The hub's seal: documents that the hub makes are signed with its key, and stamped by an authority of time.

The key is read for each seal: a new one counts at once, and one that is gone is noticed.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.audit.keyfile import KeyFileError, read_key_file
from app.audit.stamp import WrongStamp
from app.audit.stamping import ask
from app.clock import instant
from app.settings import Settings
from fhir.errors import FhirError
from fhir.signatures.algorithms import PrivateKey
from fhir.signatures.canonical import document_form
from fhir.signatures.chain import Trust
from fhir.signatures.seal import Sealed, seal, with_signature
from fhir.signatures.stamp import stamped, token_of
from fhir.signatures.verdict import Failed

if TYPE_CHECKING:
    from app.hub import Hub

logger = logging.getLogger(__name__)


class NoSeal(FhirError):
    """The hub is to sign what it makes, and cannot."""

    status = 503
    code = "transient"


def read_key(settings: Settings) -> tuple[PrivateKey, Sequence[x509.Certificate]]:
    """Return the key of the seal and its certificate with its chain.

    Raises:
        NoSeal: they cannot be read, or do not belong together.
    """
    if settings.seal_key is None or settings.seal_certificate is None:
        raise NoSeal("The hub has no key to seal with")
    try:
        key = load_pem_private_key(read_key_file(settings.seal_key).encode(), password=None)
        chain = x509.load_pem_x509_certificates(settings.seal_certificate.read_bytes())
    except (OSError, ValueError, TypeError, KeyFileError) as error:
        logger.error("The seal cannot be used: %s", error)
        raise NoSeal("The hub cannot seal its documents now: its key or certificate cannot be read") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) or key.public_key() != chain[0].public_key():
        logger.error("The certificate of the seal is not that of its key, or the key is neither RSA nor ECDSA")
        raise NoSeal("The hub cannot seal its documents now: its key and certificate do not belong together")
    if chain[0].not_valid_after_utc < datetime.now(UTC):
        # Who reads the document now is helped by it all the same.
        logger.error("The certificate of the seal has run out: what is sealed with it is trusted by nobody")
    return key, chain


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
