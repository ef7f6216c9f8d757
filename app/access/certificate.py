"""The client certificate of a connection, as the reverse proxy that ended its TLS tells of it.

Two headers are read: `Client-Cert` (RFC 9440) and `X-SSL-Client-Cert` (urlencoded PEM, as nginx writes it), and only of
requests that come from a trusted proxy, so that nobody can say of itself which certificate it has. https://www.rfc-editor.org/rfc/rfc8705#section-3.1
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

HEADERS = (b"client-cert", b"x-ssl-client-cert")
LONGEST = 20_000
"""Bytes of a header that is read."""

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")


def _der(name: bytes, value: bytes) -> bytes:
    """Return the DER that a header holds; empty when it holds none."""
    if len(value) > LONGEST:
        return b""
    if name == HEADERS[0]:
        inner = value.strip()
        text = inner[1:-1] if inner[:1] == b":" and inner[-1:] == b":" and len(inner) > 2 else b""
    else:
        match = _PEM.fullmatch(unquote_to_bytes(value))
        text = b"".join(match[1].split()) if match else b""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


STATED = "renkei.certificate"
"""Where it is kept in the scope of a request, by `TrustedProxies` alone."""


def certificate_of(scope: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the caller's certificate as base64url (`x5t#S256`); empty when it showed none."""
    found: str = scope.get(STATED, "")
    return found


def _stated(scope: Mapping[str, Any]) -> str:
    """Return what the headers tell; two certificates are none."""
    found = {der for name, value in scope["headers"] if name in HEADERS and (der := _der(name, value))}
    if len(found) != 1:
        return ""
    return base64.urlsafe_b64encode(hashlib.sha256(found.pop()).digest()).decode().rstrip("=")


class TrustedProxies:
    """Reads the headers of requests that come from a trusted proxy; outside of what rewrites who calls.

    Args:
        app: The application.
        trusted: Addresses and networks, parted by commas, as of `RENKEI_TRUSTED_PROXIES`; `*` for all.
    """

    def __init__(self, app: ASGIApp, trusted: str) -> None:
        self._app = app
        self._all = trusted.strip() == "*"
        words = [] if self._all else [one.strip() for one in trusted.split(",") if one.strip()]
        self._networks = [ip_network(one, strict=False) for one in words if one[:1].isdigit() or ":" in one]

    def _trusts(self, host: str) -> bool:
        try:
            return self._all or any(ip_address(host) in one for one in self._networks)
        except ValueError:
            return False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        told = scope["type"] == "http" and any(name in HEADERS for name, _ in scope["headers"])
        if told and self._trusts(scope["client"][0] if scope.get("client") else ""):
            scope = {**scope, STATED: _stated(scope)}
        await self._app(scope, receive, send)
