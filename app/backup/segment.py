"""A segment: rows of one table as length-prefixed MessagePack, compressed, encrypted, in a file of its own.

The first record names the sequence number, the table and its columns, so that a segment says itself what it is.
https://msgpack.org/, https://www.rfc-editor.org/rfc/rfc8878 (Zstandard)
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from app.backup.encryption import Identity, Recipient, decrypt, encrypt
from app.backup.failures import Damaged
from app.backup.place import write

SEGMENT_BYTES = 8 << 20
"""The most a segment holds before compression, unless a single row is larger."""

_LENGTH_BYTES = 4
_LEVEL = 3

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Any, ...]).decode

Value = int | float | str | bytes | None
"""What a column holds: the same on every engine."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What the manifest says of a segment."""

    name: str
    """The file."""
    table: str
    rows: int
    octets: int
    """Its size before compression."""
    sha256: str
    """The digest of the file, 64 hexadecimal digits."""
    plain_sha256: str
    """The digest of the rows before compression."""


def name_of(sequence: int) -> str:
    """Return the file name of a segment; they count from 1."""
    return f"{sequence:06d}.age"


class SegmentWriter:
    """Writes the segments of one backup, one after the other.

    Attributes:
        segments: Those that are written and durable.
    """

    def __init__(self, folder: Path, to: Sequence[Recipient]) -> None:
        self.segments: list[Segment] = []
        self._folder = folder
        self._to = to

    async def table(self, table: str, columns: Sequence[str], pages: AsyncIterator[Sequence[Sequence[Value]]]) -> int:
        """Write all rows of a table and return their number; memory holds a page and a segment of them."""
        total, gathered, size = 0, list[bytes](), 0
        async for page in pages:
            for row in page:
                packed = _encode(tuple(row))
                if gathered and size + _LENGTH_BYTES + len(packed) > SEGMENT_BYTES:
                    await asyncio.to_thread(self._write, table, columns, gathered)
                    gathered, size = [], 0
                gathered.append(packed)
                size += _LENGTH_BYTES + len(packed)
                total += 1
        if gathered:
            await asyncio.to_thread(self._write, table, columns, gathered)
        return total

    def _write(self, table: str, columns: Sequence[str], rows: list[bytes]) -> None:
        sequence = len(self.segments) + 1
        name = name_of(sequence)
        records = [_encode((sequence, table, *columns)), *rows]
        plain = b"".join(part for one in records for part in (len(one).to_bytes(_LENGTH_BYTES, "big"), one))
        encrypted = encrypt(zstandard.ZstdCompressor(_LEVEL).compress(plain), self._to)
        write(self._folder / name, encrypted)
        digests = [hashlib.sha256(octets).hexdigest() for octets in (encrypted, plain)]
        self.segments.append(Segment(name, table, len(rows), len(plain), *digests))


def rows(folder: Path, segment: Segment, columns: Sequence[str], by: Sequence[Identity]) -> Iterator[tuple[Value, ...]]:
    """Return the rows of a segment, checked against what the manifest says of it.

    Raises:
        WrongIdentity: it was not encrypted to any of `by`.
        Damaged: it is not the segment that was written.
    """
    encrypted = (folder / segment.name).read_bytes()
    if hashlib.sha256(encrypted).hexdigest() != segment.sha256:
        raise Damaged(f"{segment.name} is not the segment that the manifest names")
    try:
        decompress = zstandard.ZstdDecompressor().decompress
        plain = decompress(decrypt(encrypted, by, segment.name), max_output_size=segment.octets)
    except zstandard.ZstdError as error:
        raise Damaged(f"{segment.name} does not decompress: {error}") from None
    if hashlib.sha256(plain).hexdigest() != segment.plain_sha256:
        raise Damaged(f"{segment.name} holds other rows than were written")
    records = _records(memoryview(plain), segment.name)
    if next(records, ())[1:] != (segment.table, *columns):
        raise Damaged(f"{segment.name} is not a segment of {segment.table}")
    return records


def _records(plain: memoryview, name: str) -> Iterator[tuple[Value, ...]]:
    at = 0
    while at < len(plain):
        end = at + _LENGTH_BYTES + int.from_bytes(plain[at : at + _LENGTH_BYTES], "big")
        try:
            yield _decode(plain[at + _LENGTH_BYTES : end])
        except msgspec.MsgspecError:
            raise Damaged(f"{name} does not hold rows") from None
        at = end
