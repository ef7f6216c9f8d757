"""What speaks HTTP to a source: TLS as it was registered, the hub's own credentials, nothing of the caller's."""

import base64
from pathlib import Path

import httpx

from app.imaging.sources.failures import SourceFailed
from app.imaging.sources.source import ImagingSource
from app.imaging.sources.tls import Tls

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
"""Between two pieces of an answer."""

MOST_CREDENTIAL_BYTES = 16_000


def client_of(source: ImagingSource, tls: Tls) -> httpx.AsyncClient:
    """Return a client for a source's DICOMweb services."""
    most = httpx.Limits(max_connections=source.at_once, max_keepalive_connections=source.at_once)
    return httpx.AsyncClient(
        verify=tls,
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        limits=most,
        follow_redirects=False,
        trust_env=False,
        # A compressed answer may be a bomb; images are compressed already.
        headers={"accept-encoding": "identity", "user-agent": "renkei"},
    )


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
        raise SourceFailed.because(source.name, "credentials") from error
    return f"Basic {base64.b64encode(secret).decode()}" if kind == "basic" else f"Bearer {secret.decode('latin-1')}"
