"""Frames: whatever comes, either messages that were framed, or an end of the connection within its deadlines."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.exchange.mllp.frames import Bounds, Frames, FrameTooLarge, MalformedFrame, framed

pytestmark = pytest.mark.anyio

BOUNDS = Bounds(frame_bytes=1_000, idle_seconds=5, read_seconds=5)
SHORT = Bounds(frame_bytes=1_000, idle_seconds=0.01, read_seconds=0.01)


def a_stream(*pieces: bytes, ends: bool = True) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    for piece in pieces:
        reader.feed_data(piece)
    if ends:
        reader.feed_eof()
    return reader


async def read(*pieces: bytes, bounds: Bounds = BOUNDS, ends: bool = True) -> tuple[list[bytes], int, str]:
    """Return the messages of a stream, what was skipped, and how it ended."""
    frames = Frames(a_stream(*pieces, ends=ends), bounds)
    found: list[bytes] = []
    try:
        async for message in frames:
            found += [message]
    except (MalformedFrame, TimeoutError) as error:
        return found, frames.skipped, type(error).__name__
    return found, frames.skipped, ""


@pytest.mark.parametrize(
    ("stream", "messages", "skipped", "ended"),
    [
        (b"", [], 0, ""),
        (b"\x0bMSH|\x1c\r", [b"MSH|"], 0, ""),
        (b"\x0bone\x1c\r\x0btwo\x1c\r", [b"one", b"two"], 0, ""),
        (b"\x0bone\x1c\r\r\n\x0btwo\x1c\r\n", [b"one", b"two"], 0, ""),
        (b"noise\x0bone\x1c\rmore\x0btwo\x1c\r", [b"one", b"two"], 9, ""),
        (b"\x0b\x1c\r", [b""], 0, ""),
        (b"GET / HTTP/1.1\r\n\r\n", [], 14, ""),
        (b"\x0bone", [], 0, "MalformedFrame"),
        (b"\x0bone\x1c", [], 0, "MalformedFrame"),
        (b"\x0bone\x1cX\x0btwo\x1c\r", [], 0, "MalformedFrame"),
        (b"\x0bone\x0btwo\x1c\r", [], 0, "MalformedFrame"),
        (b"\x0bone\x1c\r\x0btw", [b"one"], 0, "MalformedFrame"),
        (b"\x0b" + b"x" * 1_001 + b"\x1c\r", [], 0, "FrameTooLarge"),
        (b"x" * 70_000, [], 70_000, "MalformedFrame"),
    ],
)
async def test_a_stream_is_messages_in_frames(stream: bytes, messages: list[bytes], skipped: int, ended: str) -> None:
    assert await read(stream) == (messages, skipped, ended)


async def test_a_message_may_come_octet_by_octet() -> None:
    stream = b"x\x0bone\x1c\r\x0btwo\x1c\r"

    assert await read(*[bytes([octet]) for octet in stream]) == ([b"one", b"two"], 1, "")


async def test_a_message_that_does_not_end_holds_its_connection_no_longer_than_a_deadline() -> None:
    assert await read(b"\x0bMSH|", bounds=SHORT, ends=False) == ([], 0, "TimeoutError")


async def test_garbage_that_goes_on_does_not_keep_a_connection() -> None:
    reader = a_stream(ends=False)

    async def feed() -> None:
        while True:
            reader.feed_data(b"x")
            await asyncio.sleep(0.001)

    feeding = asyncio.create_task(feed())
    frames = Frames(reader, Bounds(1_000, 0.02, 5))
    with pytest.raises(TimeoutError):
        await anext(aiter(frames))
    feeding.cancel()


async def test_a_message_that_is_too_large_is_known_by_its_head() -> None:
    frames = Frames(a_stream(b"\x0bMSH|^~\\&|" + b"x" * 10_000), BOUNDS)

    with pytest.raises(FrameTooLarge) as caught:
        await anext(aiter(frames))

    assert caught.value.head.startswith(b"MSH|^~\\&|xxx")
    assert len(caught.value.head) == 4_096


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\x0b", b"\x1c\r", b"\x1c", b"\r"]), max_size=12))
async def test_any_octets_are_messages_or_an_end(pieces: list[bytes]) -> None:
    messages, _, ended = await read(*pieces)

    assert ended in ("", "MalformedFrame", "FrameTooLarge")
    assert b"".join(framed(one) for one in messages if b"\x0b" in one or b"\x1c" in one) == b""
    for one in messages:
        assert framed(one) in b"".join(pieces)
