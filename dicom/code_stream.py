"""The size a compressed frame claims for itself, read before any decoder touches it.

A decoder allocates what the code stream says, whatever Rows and Columns say:
https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_8.2.html
"""

from collections.abc import Iterator
from struct import unpack_from

_START_OF_CODE_STREAM = b"\xff\x4f\xff\x51"
_SEARCHED_BYTES = 4096
"""JP2 boxes before a code stream are short, and DICOM forbids them anyway."""

_APP0 = 0xE0
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_NOT_A_FRAME = frozenset({0xC4, 0xC8, 0xCC})


def size(stream: bytes) -> tuple[int, int] | None:
    """Return (rows, columns) of a JPEG, JPEG-LS, JPEG 2000 or HTJ2K stream; None when it does not say."""
    if stream.startswith(b"\xff\xd8"):
        return _jpeg_size(stream)
    start = stream.find(_START_OF_CODE_STREAM, 0, _SEARCHED_BYTES)
    if start < 0 or len(stream) < start + 24:
        return None
    width, height, left, top = unpack_from(">4L", stream, start + 8)
    return height - top, width - left


def colours(stream: bytes) -> str:
    """Return what a JPEG of three components says of its colours: `RGB`, `YCBCR`, or nothing.

    Components may be called R, G and B; JFIF has no others than Y, Cb and Cr: https://www.w3.org/Graphics/JPEG/jfif3.pdf
    """
    is_jfif = False
    for marker, position in _segments(stream):
        if _is_frame(marker):
            if bytes(stream[position + 10 : position + 17 : 3]).upper() == b"RGB":
                return "RGB"
            break
        is_jfif = is_jfif or (marker == _APP0 and stream[position + 4 : position + 9] == b"JFIF\0")
    return "YCBCR" if is_jfif else ""


def _jpeg_size(stream: bytes) -> tuple[int, int] | None:
    """Return the size in the frame header (SOF0-15, or SOF55 of JPEG-LS)."""
    for marker, position in _segments(stream):
        if _is_frame(marker):
            height, width = unpack_from(">HH", stream, position + 5)
            return height, width
    return None


def _is_frame(marker: int) -> bool:
    return marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in _NOT_A_FRAME)


def _segments(stream: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker that has a segment, and where it stands."""
    position = 2
    while position + 9 <= len(stream) and stream[position] == 0xFF:
        marker = stream[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _NO_LENGTH:
            position += 2
        else:
            yield marker, position
            position += 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
