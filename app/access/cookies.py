"""The cookies by which a browser proves who it is: a person's session, or a system's link to images."""

from app.access.identify import COOKIE

IMAGES_COOKIE = "renkei_images"

_NAME = COOKIE.encode() + b"="
_IMAGES_NAME = IMAGES_COOKIE.encode() + b"="


def session_cookie(header: bytes) -> str:
    """Return the session secret in a Cookie header, or an empty text."""
    return _value(header, _NAME)


def images_cookie(header: bytes) -> str:
    """Return the secret of a link to images in a Cookie header, or an empty text."""
    return _value(header, _IMAGES_NAME)


def _value(header: bytes, name: bytes) -> str:
    for part in header.split(b";"):
        part = part.strip()
        if part.startswith(name):
            return part[len(name) :].decode("latin-1")
    return ""
