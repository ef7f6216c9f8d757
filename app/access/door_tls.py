"""TLS of doors beside HTTP: both ends show a certificate, or the door is this machine's alone."""

import ssl
from ipaddress import ip_address

from app.access.tls import context_of
from app.settings import Settings


class NotAllowed(OSError):
    """The settings ask for a door that would not be safe."""


def secured(settings: Settings, door: str) -> ssl.SSLContext | None:
    """Return how a door's connections are secured; None for plain ones, for this machine alone unless it is allowed.

    Args:
        settings: Those that begin with the door's word; what is empty there is taken from HTTP's own.
        door: `mllp` for example.

    Raises:
        OSError: a file cannot be used, a part is missing, or plain connections are not allowed.
    """
    certificate, key, authority, revoked = (
        getattr(settings, f"{door}_{name}") for name in ("certificate", "key", "authority", "revoked")
    )
    word = door.upper()
    shown = certificate or settings.tls_certificate
    if shown is None:
        address = getattr(settings, f"{door}_address")
        if not (_is_loopback(address) or getattr(settings, f"{door}_plain")):
            raise NotAllowed(f"{word} without TLS is for loopback addresses: set RENKEI_{word}_CERTIFICATE")
        return None
    trusted = authority or settings.client_authority
    if trusted is None:
        raise NotAllowed(f"{word} needs the authority of its senders' certificates: RENKEI_{word}_AUTHORITY")
    chosen = {
        "tls_certificate": shown,
        "tls_key": key if certificate else settings.tls_key,
        "client_authority": trusted,
        "client_revoked": settings.client_revoked if authority is None else revoked,
    }
    made = context_of(settings.model_copy(update=chosen))
    # Systems that speak HL7 v2 and DICOM are older than others; the guideline allows 1.2 where it is needed.
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def calling(settings: Settings, door: str) -> ssl.SSLContext:
    """Return how connections that the hub opens for a door are secured: by the same certificate and authority.

    Raises:
        OSError: a file cannot be used, or a part is missing.
    """
    certificate, key = getattr(settings, f"{door}_certificate"), getattr(settings, f"{door}_key")
    authority = getattr(settings, f"{door}_authority") or settings.client_authority
    if authority is None:
        raise NotAllowed(f"A secured connection needs an authority: RENKEI_{door.upper()}_AUTHORITY")
    made = ssl.create_default_context(cafile=str(authority))
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    shown, secret = (certificate, key) if certificate else (settings.tls_certificate, settings.tls_key)
    if shown is not None:
        made.load_cert_chain(str(shown), str(secret) if secret else None)
    return made


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
