"""Edits of bytes and the script that takes them back: how the received body is kept beside the stored one.

A script is a version byte, then for each edit: how many bytes were kept since the edit before, how many were
put in, how many were there before (three LEB128 numbers), and these last bytes themselves.
"""

from collections.abc import Iterable, Iterator

VERSION = 1
"""The script's first byte; another number is another format."""

Edit = tuple[int, int, bytes]
"""`body[start:end]` becomes these bytes; `start == end` inserts."""


def apply(body: bytes, edits: Iterable[Edit]) -> tuple[bytes, bytes]:
    """Return `body` with `edits` made, and the script that undoes them.

    Args:
        body: Any bytes.
        edits: In the order of `start`, not overlapping.
    """
    parts: list[bytes] = []
    undo = bytearray([VERSION])
    position = 0
    for start, end, new in edits:
        parts += (body[position:start], new)
        for number in (start - position, len(new), end - start):
            _write(undo, number)
        undo += body[start:end]
        position = end
    parts.append(body[position:])
    return b"".join(parts), bytes(undo)


def original(body: bytes, undo: bytes) -> bytes:
    """Return the bytes as they were received.

    Args:
        body: The body that `apply` (or `splice`) gave.
        undo: The script that came with it.

    Raises:
        ValueError: The script is of another version, is cut short, or is of another body.
    """
    if not undo or undo[0] != VERSION:
        raise ValueError("the undo script is of an unknown version")
    parts: list[bytes] = []
    position = 0
    for kept, put, old in _read(undo):
        parts += (body[position : position + kept], old)
        position += kept + put
        if position > len(body):
            raise ValueError("the undo script is of another body")
    parts.append(body[position:])
    return b"".join(parts)


def _write(script: bytearray, number: int) -> None:
    while number > 0x7F:
        script.append(number & 0x7F | 0x80)
        number >>= 7
    script.append(number)


def _read(script: bytes) -> Iterator[tuple[int, int, bytes]]:
    position = 1
    while position < len(script):
        numbers = []
        for _ in range(3):
            number = shift = 0
            while True:
                if position >= len(script):
                    raise ValueError("the undo script is cut short")
                byte = script[position]
                position += 1
                number |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            numbers.append(number)
        kept, put, length = numbers
        if position + length > len(script):
            raise ValueError("the undo script is cut short")
        yield kept, put, script[position : position + length]
        position += length
