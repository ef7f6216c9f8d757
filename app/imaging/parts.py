"""An instance in an answer: what stands before it, and its stored bytes piece by piece.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.6.html
"""

from collections.abc import AsyncIterator

from app.hub import Hub
from app.imaging.pixels import stored_bytes
from app.imaging.request import DicomRequest
from app.imaging.response import DICOM
from dicom.multipart import part_head
from dicom.store.read import InstanceRow

PIECE_BYTES = 4 * 1024 * 1024
"""A larger instance leaves in pieces of so many."""


def head_of(request: DicomRequest, boundary: str, row: InstanceRow, transfer_syntax: str, length: int) -> bytes:
    """Return what stands before an instance of so many bytes in a transfer syntax."""
    location = f"{request.root}/{row.path}"
    return part_head(boundary, DICOM, length, transfer_syntax=transfer_syntax, location=location)


async def pieces(hub: Hub, row: InstanceRow, part: range) -> AsyncIterator[bytes]:
    """Yield a part of an instance's stored bytes.

    Raises:
        Damaged: they are gone, or fewer than they were.
        SourceFailed: the site that keeps them does not give them.
    """
    for start in range(part.start, part.stop, PIECE_BYTES):
        yield await stored_bytes(hub, row, start, min(PIECE_BYTES, part.stop - start))
