"""What speaks HTTP to a source: TLS as it was registered, the hub's own credentials, nothing of the caller's."""

import base64
import ssl
from pathlib import Path

import httpx

from app.imaging.sources.failures import SourceFailed
from app.imaging.sources.source import ImagingSource

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
"""Between two pieces of an answer."""

MOST_CREDENTIAL_BYTES = 16_000


def client_of(source: ImagingSource) -> httpx.AsyncClient:
    """Return a client for a source's DICOMweb services.

    Raises:
        SourceFailed: its certificate or its authority cannot be read.
    """
    most = httpx.Limits(max_connections=source.at_once, max_keepalive_connections=source.at_once)
    return httpx.AsyncClient(
        verify=tls_of(source),
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        limits=most,
        follow_redirects=False,
        trust_env=False,
        # A compressed answer may be a bomb; images are compressed already.
        headers={"accept-encoding": "identity", "user-agent": "renkei"},
    )


def tls_of(source: ImagingSource) -> ssl.SSLContext:
    """Return how a source is connected to by TLS.

    Raises:
        SourceFailed: a file cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=source.authority or None)
        if source.certificate:
            context.load_cert_chain(source.certificate, source.private_key)
    except (OSError, ssl.SSLError) as error:
        raise SourceFailed(f"The certificates for the imaging source {source.name} cannot be read") from error
    return context


def authorization(source: ImagingSource) -> str:
    """Return the Authorization header for a source, read anew each time; empty when it needs none.

    Raises:
        SourceFailed: the file cannot be read.
    """
    kind, _, place = source.credentials.partition(":")
    if not kind:
        return ""
    try:
        secret = Path(place).read_bytes()[:MOST_CREDENTIAL_BYTES].strip()
    except OSError as error:
        raise SourceFailed(f"The credentials for the imaging source {source.name} cannot be read") from error
    return f"Basic {base64.b64encode(secret).decode()}" if kind == "basic" else f"Bearer {secret.decode('latin-1')}"
