"""The client certificate of a connection, as who ended its TLS tells of it; `app.access.proxy` lets only truth pass.

https://www.rfc-editor.org/rfc/rfc8705#section-3.1
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from app.access.proxy import CERTIFICATE

LONGEST = 20_000
"""Bytes of a header that is read."""

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")


def _der(value: bytes) -> bytes:
    """Return the DER of an URL-escaped PEM; empty when it holds none."""
    match = _PEM.fullmatch(unquote_to_bytes(value)) if len(value) <= LONGEST else None
    try:
        return base64.b64decode(b"".join(match[1].split()), validate=True) if match else b""
    except binascii.Error:
        return b""


def thumbprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate as base64url (`x5t#S256`)."""
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


def certificate_of(scope: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the caller's certificate as base64url (`x5t#S256`); empty when it showed none, or two."""
    stated = [value for name, value in scope["headers"] if name == CERTIFICATE]
    found = _der(stated[0]) if len(stated) == 1 else b""
    return thumbprint(found) if found else ""
