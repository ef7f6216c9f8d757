"""TLS that the hub ends itself, where no reverse proxy does: TLS 1.3, and client certificates of the region.

What a connection has shown is told to the application as ASGI's TLS extension says:
https://asgi.readthedocs.io/en/latest/specs/tls.html
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.settings import Settings, settings


def context_of(chosen: Settings) -> ssl.SSLContext:
    """Return how connections are secured.

    Raises:
        OSError: a file is not there, or is not what it should be.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    # No session is taken up again: the certificate of its beginning may have been revoked since.
    made.num_tickets = 0
    made.load_cert_chain(str(chosen.tls_certificate), str(chosen.tls_key) if chosen.tls_key else None)
    if chosen.client_authority is not None:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(str(chosen.client_authority))
        if chosen.client_revoked is not None:
            made.load_verify_locations(str(chosen.client_revoked))
            made.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    return made


def tls_context(config: Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:  # noqa: ARG001 - as uvicorn asks
    """Return how the server's connections are secured, by the settings of this process."""
    return context_of(settings())


class TlsProtocol(HttpToolsProtocol):
    """HTTP whose requests say which certificate their connection has shown."""

    _shown: tuple[str, ...] = ()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the certificate that was shown and verified in the handshake."""
        super().connection_made(transport)
        secured = transport.get_extra_info("ssl_object")
        der = secured.getpeercert(binary_form=True) if secured is not None else None
        self._shown = (ssl.DER_cert_to_PEM_cert(der),) if der else ()

    def on_message_begin(self) -> None:
        """Tell each request of it."""
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = {"tls": {"client_cert_chain": self._shown}}
