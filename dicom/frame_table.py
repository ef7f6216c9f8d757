"""Where each frame's bytes lie in a stored instance: computed once, kept packed, read without the header.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_8.2.html
"""

from dataclasses import dataclass
from struct import Struct

from dicom.encapsulation import Span

_NATIVE = Struct("<cQQL")
_ENCAPSULATED = Struct("<cL")
_INDEX = Struct("<LL")
_SPAN = Struct("<QL")


@dataclass(frozen=True, slots=True)
class NativeFrames:
    """Frames of equal size, one after the other."""

    offset: int
    """Of the first frame, in bytes."""
    frame_bits: int
    """Bits of one frame: frames of one-bit pixels need not end on a byte."""
    count: int

    def __len__(self) -> int:
        return self.count

    def span(self, index: int) -> tuple[Span, int]:
        """Return the bytes that hold frame `index` (from 0), and how many bits to skip in them."""
        start, end = index * self.frame_bits, (index + 1) * self.frame_bits
        first = start // 8
        return (self.offset + first, (end + 7) // 8 - first), start % 8

    def pack(self) -> bytes:
        """Return the table as bytes for a database column."""
        return _NATIVE.pack(b"N", self.offset, self.frame_bits, self.count)


@dataclass(frozen=True, slots=True)
class EncapsulatedFrames:
    """Frames of one or more fragments each."""

    spans: tuple[tuple[Span, ...], ...]

    def __len__(self) -> int:
        return len(self.spans)

    def pack(self) -> bytes:
        """Return the table as bytes for a database column."""
        out = bytearray(_ENCAPSULATED.pack(b"E", len(self.spans)))
        first = 0
        for frame in self.spans:
            out += _INDEX.pack(first, len(frame))
            first += len(frame)
        for frame in self.spans:
            for offset, length in frame:
                out += _SPAN.pack(offset, length)
        return bytes(out)


FrameTable = NativeFrames | EncapsulatedFrames


def number_of_frames(packed: bytes) -> int:
    """Return how many frames a packed table holds."""
    if packed[:1] == b"N":
        return int(_NATIVE.unpack(packed)[3])
    return int(_ENCAPSULATED.unpack_from(packed)[1])


def frame_place(packed: bytes, index: int) -> tuple[tuple[Span, ...], int, int]:
    """Return where frame `index` of a packed table lies.

    Args:
        packed: What `pack` returned.
        index: From 0.

    Returns:
        The spans to read and join, the bits to skip at their start, and the bits of the frame (0: the rest).

    Raises:
        IndexError: There is no such frame.
    """
    if not 0 <= index < number_of_frames(packed):
        raise IndexError(index)
    if packed[:1] == b"N":
        _, offset, frame_bits, count = _NATIVE.unpack(packed)
        span, skip = NativeFrames(offset, frame_bits, count).span(index)
        return (span,), skip, frame_bits
    count = _ENCAPSULATED.unpack_from(packed)[1]
    first, length = _INDEX.unpack_from(packed, _ENCAPSULATED.size + index * _INDEX.size)
    start = _ENCAPSULATED.size + count * _INDEX.size + first * _SPAN.size
    return tuple(_SPAN.unpack_from(packed, start + n * _SPAN.size) for n in range(length)), 0, 0


def unpack(packed: bytes) -> FrameTable:
    """Return the table that `pack` packed."""
    if packed[:1] == b"N":
        _, offset, frame_bits, count = _NATIVE.unpack(packed)
        return NativeFrames(offset, frame_bits, count)
    return EncapsulatedFrames(tuple(frame_place(packed, n)[0] for n in range(number_of_frames(packed))))
