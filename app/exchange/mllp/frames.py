"""The minimal lower layer protocol: 0x0B, a message, 0x1C, 0x0D.

HL7 v2.5, appendix C.4; https://profiles.ihe.net/ITI/TF/Volume2/ch-C.html. What comes is bounded in size and in time,
whoever sends it: a sender that neither ends a message nor its silence holds its connection no longer than that.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

BEGINS, ENDS, CLOSES = 0x0B, 0x1C, 0x0D

GARBAGE_BYTES = 65_536
"""Octets between two messages that are skipped; after more the connection is ended."""

HEAD_BYTES = 4_096
"""Of a message that is too large, what is kept so that the refusal can name it."""

_PIECE = 65_536


class MalformedFrame(ValueError):
    """The stream is not one of messages in frames: nothing after this can be understood."""


class FrameTooLarge(MalformedFrame):
    """A message has more octets than are taken.

    Attributes:
        head: Its first ones.
    """

    def __init__(self, most: int, head: bytes) -> None:
        super().__init__(f"a message has at most {most} octets")
        self.head = head


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a sender may take.

    Attributes:
        frame_bytes: The largest message.
        idle_seconds: From the end of a message to the beginning of the next one.
        read_seconds: From its beginning to its end.
    """

    frame_bytes: int
    idle_seconds: float
    read_seconds: float


class Frames:
    """The messages of one stream.

    Args:
        reader: The stream.
        bounds: What it may take.

    Attributes:
        skipped: Octets outside of frames that were passed over.
    """

    def __init__(self, reader: asyncio.StreamReader, bounds: Bounds) -> None:
        self.skipped = 0
        self._reader = reader
        self._bounds = bounds
        self._held = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the messages without their frames, until the stream ends between two of them.

        Raises:
            MalformedFrame: a message does not end before another begins or the stream ends, or too much is around it.
            FrameTooLarge: a message has too many octets.
            TimeoutError: nothing came, or a message did not end, for so long.
        """
        while True:
            async with asyncio.timeout(self._bounds.idle_seconds):
                if not await self._begin():
                    return
            async with asyncio.timeout(self._bounds.read_seconds):
                message = await self._message()
            yield message

    async def _more(self) -> bytes:
        """Return what comes next; empty at the end of the stream."""
        if self._held:
            piece, self._held = self._held, b""
            return piece
        return await self._reader.read(_PIECE)

    async def _begin(self) -> bool:
        """Pass over what is before a message; return whether there is one."""
        passed = 0
        while piece := await self._more():
            before, begun, self._held = piece.partition(bytes([BEGINS]))
            # Line ends between messages are what some senders write; they are no garbage.
            garbage = len(before.strip(b"\r\n"))
            passed += garbage
            self.skipped += garbage
            if begun:
                return True
            if passed > GARBAGE_BYTES:
                raise MalformedFrame("what comes is in no frame")
        return False

    async def _message(self) -> bytes:
        """Return the message that has begun."""
        message = bytearray()
        while piece := await self._more():
            content, ended, rest = piece.partition(bytes([ENDS]))
            if BEGINS in content:
                raise MalformedFrame("a message begins before the one before it has ended")
            message += content
            if len(message) > self._bounds.frame_bytes:
                raise FrameTooLarge(self._bounds.frame_bytes, bytes(message[:HEAD_BYTES]))
            if ended:
                await self._close(rest)
                return bytes(message)
        raise MalformedFrame("the stream ends within a message")

    async def _close(self, rest: bytes) -> None:
        rest = rest or await self._more()
        if rest[:1] != bytes([CLOSES]):
            raise MalformedFrame("a message ends with 0x1C and 0x0D")
        self._held = rest[1:]


def framed(message: bytes) -> bytes:
    """Return a message in its frame."""
    return b"\x0b%b\x1c\r" % message
