"""What a reverse proxy says of a caller, and from whom it is believed: RENKEI_TRUSTED_PROXIES.

A proxy that ends TLS says where a request comes from (X-Forwarded-For) and which client certificate the caller has
proved to hold (X-Renkei-Client-Certificate, the URL-escaped PEM). From anybody else these headers are a claim; the ones
of certificates are taken away before the application sees them. RFC 8705, section 3; RFC 9440, section 4.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

CERTIFICATE = b"x-renkei-client-certificate"
"""The certificate that the caller holds; in a request that reaches the application it is true."""

REFUSED_CERTIFICATE = b"x-renkei-refused-certificate"
"""Why the proxy refused a caller's certificate."""

Header = tuple[bytes, bytes]

_BELIEVED = frozenset((CERTIFICATE, REFUSED_CERTIFICATE))
_CLAIMS = _BELIEVED | {b"x-forwarded-for", b"x-forwarded-proto"}


def _without(headers: Iterable[Header]) -> list[Header]:
    return [pair for pair in headers if pair[0] not in _BELIEVED]


def _shown(tls: Mapping[str, Any]) -> list[Header]:
    """Return the header of the certificate that a connection has shown to the hub itself."""
    chain = tls["client_cert_chain"]
    return [(CERTIFICATE, quote(chain[0], safe="").encode())] if chain else []


def believed(application: ASGIApp, trusted: str) -> ASGIApp:
    """Return `application` behind the check of who may say who calls.

    Args:
        application: An ASGI application.
        trusted: Addresses and networks of the proxies, parted by commas.
    """
    behind = ProxyHeadersMiddleware(cast("Any", application), trusted)
    proxies, enter = behind.trusted_hosts, cast("ASGIApp", behind)

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await application(scope, receive, send)
            return
        own = scope.get("extensions", {}).get("tls")
        if own is not None:
            # The hub has ended TLS itself: there is no proxy that could say anything.
            scope["headers"] = [*_without(scope["headers"]), *_shown(own)]
            await application(scope, receive, send)
            return
        headers = scope["headers"]
        # Most requests claim nothing.
        if all(name not in _CLAIMS for name, _ in headers):
            await application(scope, receive, send)
            return
        client = scope.get("client")
        if client is None or client[0] not in proxies:
            scope["headers"] = _without(headers)
        await enter(scope, receive, send)

    return checked
