"""Syslog over TLS: octet counting (RFC 5425, section 4.3), and the header of a message (RFC 5424, section 6)."""

import asyncio
import re
from collections.abc import AsyncIterator

MOST_BYTES = 1_000_000
"""The largest message; ITI-20 asks for 32,768 at least."""

_DIGITS = 7

_HEADER = re.compile(
    rb"<\d{1,3}>\d{1,2} \S{1,64} \S{1,255} \S{1,48} \S{1,128} (\S{1,32}) "
    rb"(?:-|(?:\[[^\]\\]*(?:\\.[^\]\\]*)*\])+)(?: (.*))?",
    re.DOTALL,
)


class MalformedFrame(ValueError):
    """The stream is not one of counted messages: nothing after this can be understood."""


async def frames(reader: asyncio.StreamReader, idle_seconds: float) -> AsyncIterator[bytes]:
    """Yield the messages of a stream, until it ends between two of them.

    Raises:
        MalformedFrame: a count is none or too large, or the stream ends within a message.
        TimeoutError: nothing came for so long.
    """
    while True:
        length = 0
        for position in range(_DIGITS + 1):
            async with asyncio.timeout(idle_seconds):
                octet = await reader.read(1)
            if not octet and not position:
                return
            if octet == b" " and length:
                break
            if not octet.isdigit() or (octet == b"0" and not length) or position == _DIGITS:
                raise MalformedFrame("a count of octets is expected")
            length = length * 10 + int(octet)
        if length > MOST_BYTES:
            raise MalformedFrame(f"a message has at most {MOST_BYTES} octets")
        try:
            async with asyncio.timeout(idle_seconds):
                yield await reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise MalformedFrame("the stream ends within a message") from error


def content(message: bytes) -> bytes:
    """Return what follows the header of a message, without a byte order mark; all of one that has no header."""
    match = _HEADER.fullmatch(message)
    return ((match[2] or b"") if match else message).removeprefix(b"\xef\xbb\xbf")


def framed(message: bytes) -> bytes:
    """Return a message with its count before it."""
    return b"%d %s" % (len(message), message)
