"""multipart/related as it streams: parts into the caller's files, parts out of the caller's chunks.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.6.html (RFC 2046 5.1, RFC 2387)
"""

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from dicom.media_types import parse

MAX_PART_HEADER_BYTES = 16 * 1024

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")


class MalformedMultipart(ValueError):
    """The body breaks the rules of multipart/related (status 400)."""


class TooLarge(MalformedMultipart):
    """A part or the request is longer than is allowed (status 413)."""


class Sink(Protocol):
    """Where a part's content goes: a file, or whatever takes bytes."""

    def write(self, content: memoryview, /) -> object:
        """Take bytes, which are gone when it returns."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One received part, its content in the file the caller gave."""

    headers: Mapping[str, str]
    """Names in lower case."""
    file: Sink
    """What the caller gave; a file is positioned at its end."""
    size: int
    """Bytes."""


def boundary_of(content_type: str) -> str:
    """Return the boundary parameter of a multipart/related content type.

    Raises:
        MalformedMultipart: It is another type, or has no usable boundary.
    """
    found = parse(content_type)
    if not found or found[0].name != "multipart/related":
        raise MalformedMultipart("the content type is not multipart/related")
    boundary = found[0].parameter("boundary")
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedMultipart("the content type has no usable boundary")
    return boundary


async def read_parts(
    chunks: AsyncIterable[bytes],
    boundary: str,
    open_file: Callable[[], Sink],
    *,
    max_part_bytes: int,
    max_request_bytes: int,
) -> AsyncIterator[Part]:
    """Yield the parts of a body as they are complete; memory is bounded by a chunk and a header.

    Args:
        chunks: The body.
        boundary: What `boundary_of` returned.
        open_file: Gives an empty file for each part; the caller closes and removes it.
        max_part_bytes: Bytes of one part's content.
        max_request_bytes: Bytes of the body, boundaries included.

    Raises:
        MalformedMultipart: The body does not start, divide or end as it must.
        TooLarge: A limit is passed.
    """
    parser = _Parser(boundary, open_file, max_part_bytes)
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        if received > max_request_bytes:
            raise TooLarge(f"the request has more than {max_request_bytes} bytes")
        for part in parser.feed(chunk):
            yield part
    parser.close()


class _Parser:
    """The state between two chunks: what is not yet decided, and the part being written."""

    def __init__(self, boundary: str, open_file: Callable[[], Sink], max_part_bytes: int) -> None:
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._open_file = open_file
        self._max_part_bytes = max_part_bytes
        # The first delimiter may open the body; a preamble before it is skipped.
        self._buffer = bytearray(b"\r\n")
        self._step: Callable[[], Part | bool] = self._preamble
        self._headers: dict[str, str] = {}
        self._file: Sink | None = None
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[Part]:
        """Take a chunk and yield the parts it completes."""
        self._buffer += chunk
        while result := self._step():
            if isinstance(result, Part):
                yield result

    def close(self) -> None:
        """Check that the closing delimiter has come.

        Raises:
            MalformedMultipart: It has not.
        """
        if self._step != self._epilogue:
            raise MalformedMultipart("the body ends before its closing boundary")

    # Each step returns whether it has moved on, or the part it has completed.

    def _preamble(self) -> bool:
        found = self._buffer.find(self._delimiter)
        if found < 0:
            del self._buffer[: -len(self._delimiter)]
            return False
        del self._buffer[: found + len(self._delimiter)]
        self._step = self._after_delimiter
        return True

    def _after_delimiter(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer.startswith(b"--"):
            self._step = self._epilogue
            return True
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > MAX_PART_HEADER_BYTES:
                raise MalformedMultipart("a boundary line does not end")
            return False
        if self._buffer[:end].strip(b" \t"):
            raise MalformedMultipart("a boundary is followed by other text")
        # The line break stays: headers may be empty.
        del self._buffer[:end]
        self._step = self._part_headers
        return True

    def _part_headers(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_PART_HEADER_BYTES:
                raise MalformedMultipart("the header of a part is too long")
            return False
        self._headers = _headers(bytes(self._buffer[2:end]))
        # One line break is left before the content: an empty part's delimiter starts with it.
        del self._buffer[: end + 2]
        self._file, self._size = self._open_file(), 0
        self._step = self._content_start
        return True

    def _content_start(self) -> bool:
        if len(self._buffer) < len(self._delimiter):
            return False
        if not self._buffer.startswith(self._delimiter):
            del self._buffer[:2]
        self._step = self._content
        return True

    def _content(self) -> Part | bool:
        found = self._buffer.find(self._delimiter)
        # Without a delimiter, what could be its beginning is kept back.
        self._write(found if found >= 0 else max(0, len(self._buffer) - len(self._delimiter) + 1))
        if found < 0:
            return False
        del self._buffer[: len(self._delimiter)]
        self._step = self._after_delimiter
        assert self._file is not None  # noqa: S101 - opened by the step before
        return Part(self._headers, self._file, self._size)

    def _write(self, end: int) -> None:
        self._size += end
        if self._size > self._max_part_bytes:
            raise TooLarge(f"a part has more than {self._max_part_bytes} bytes")
        assert self._file is not None  # noqa: S101 - opened by the step before
        with memoryview(self._buffer) as whole, whole[:end] as content:
            self._file.write(content)
        del self._buffer[:end]

    def _epilogue(self) -> bool:
        self._buffer.clear()
        return False


def _headers(block: bytes) -> dict[str, str]:
    """Return the header fields of a part (RFC 2046 5.1); folded lines are joined."""
    fields: dict[str, str] = {}
    text = re.sub(r"\r\n[ \t]+", " ", block.decode("latin-1"))
    for line in filter(None, text.split("\r\n")):
        name, colon, value = line.partition(":")
        if not colon:
            raise MalformedMultipart("the header of a part is malformed")
        fields[name.strip().lower()] = value.strip()
    return fields


def content_type(media_type: str, boundary: str, transfer_syntax: str = "") -> str:
    """Return the Content-Type of an answer in parts of one media type."""
    syntax = f'; transfer-syntax="{transfer_syntax}"' if transfer_syntax else ""
    return f'multipart/related; type="{media_type}"{syntax}; boundary={boundary}'


def part_head(boundary: str, media_type: str, length: int, *, transfer_syntax: str = "", location: str = "") -> bytes:
    """Return what stands before a part's content.

    Args:
        boundary: The delimiter's text.
        media_type: Of the content.
        length: Bytes of the content; clients size their buffers by it.
        transfer_syntax: The UID, for DICOM content and frames.
        location: The content's own URL.
    """
    syntax = f"; transfer-syntax={transfer_syntax}" if transfer_syntax else ""
    place = f"Content-Location: {location}\r\n" if location else ""
    head = f"\r\n--{boundary}\r\nContent-Type: {media_type}{syntax}\r\nContent-Length: {length}\r\n{place}\r\n"
    return head.encode("latin-1")


def closing(boundary: str) -> bytes:
    """Return what stands after the last part."""
    return f"\r\n--{boundary}--\r\n".encode("ascii")


def write_parts(contents: Iterable[tuple[bytes, bytes]], boundary: str) -> Iterator[bytes]:
    """Yield a whole body, one chunk a part: pairs of `part_head` and content."""
    for head, content in contents:
        yield head + content
    yield closing(boundary)
