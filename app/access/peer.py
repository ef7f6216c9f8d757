"""Who is at the other end of a connection: its address, and the certificate that it has shown."""

import ssl
from dataclasses import dataclass

from cryptography import x509

from app.access.certificate import thumbprint


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection, known before anything that it says is read.

    Attributes:
        network: Its address.
        certificate: The SHA-256 of its certificate as base64url; empty when it has shown none.
        subject: The certificate's subject as RFC 4514 writes it.
    """

    network: str
    certificate: str = ""
    subject: str = ""


def peer_of(network: str, secured: ssl.SSLObject | None) -> Peer:
    """Return who is at the other end of a connection whose handshake, if it has one, is done."""
    shown = secured.getpeercert(binary_form=True) if secured is not None else None
    return peer_that_showed(network, shown or b"")


def peer_that_showed(network: str, shown: bytes) -> Peer:
    """Return who is at the other end of a connection on which a certificate was shown, DER; empty when none was."""
    if not shown:
        return Peer(network)
    return Peer(network, thumbprint(shown), x509.load_der_x509_certificate(shown).subject.rfc4514_string())
