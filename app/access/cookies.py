"""The session cookie."""

from app.access.identify import COOKIE

_NAME = COOKIE.encode() + b"="


def session_cookie(header: bytes) -> str:
    """Return the session secret in a Cookie header, or an empty text."""
    for part in header.split(b";"):
        part = part.strip()
        if part.startswith(_NAME):
            return part[len(_NAME) :].decode("latin-1")
    return ""
