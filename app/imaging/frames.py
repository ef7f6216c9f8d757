"""WADO-RS frames: as they are stored, or uncompressed.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.6
"""

import re
from collections.abc import AsyncIterator, Sequence

from app.imaging.found import instances
from app.imaging.pixels import Source, source
from app.imaging.request import DicomRequest
from app.imaging.response import DicomResponse, Streamed, etag, headers, new_boundary, not_modified
from app.records.response import Response
from dicom.accept import Representation, choose
from dicom.multipart import closing, content_type, part_head
from dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, TransferSyntax
from fhir.errors import InvalidValue, NotFound

OCTETS = "application/octet-stream"
MOST_FRAMES = 10_000
"""Of one request."""

_LIST = re.compile(r"[1-9][0-9]{0,6}(?:,[1-9][0-9]{0,6})*")


async def frames(request: DicomRequest) -> DicomResponse:
    """Answer the frames of an instance in the order asked for.

    Raises:
        NotFound: there is no such instance or frame for the caller.
        InvalidValue: the frame list is malformed or too long.
        NotAcceptable: the caller takes no form in which they can be given.
    """
    (row,) = await instances(request)
    place = await source(request.hub, row)
    indices = frame_indices(request.frames, len(place))
    chosen = choose(request.accept, _offers(place.transfer_syntax, request.accept))
    tag = etag([row.digest], f"{chosen} {request.frames}")
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    boundary = new_boundary()
    found = headers(content_type(chosen.media_type, boundary, chosen.transfer_syntax), tag)
    if len(indices) == 1:
        data = await _frame(place, indices[0], chosen)
        return Response(200, b"".join((_head(boundary, chosen, data), data, closing(boundary))), found)
    return Streamed(_parts(place, indices, chosen, boundary), 200, found)


def frame_indices(text: str, count: int) -> list[int]:
    """Return the indices, from 0, of the frames that a frame list numbers from 1.

    Args:
        text: As in the address: `1,3`.
        count: How many frames there are.

    Raises:
        InvalidValue: it is no list of numbers, or is too long.
        NotFound: there is no such frame.
    """
    if not _LIST.fullmatch(text):
        raise InvalidValue("A frame list is numbers from 1, with commas between them")
    numbers = [int(one) for one in text.split(",")]
    if len(numbers) > MOST_FRAMES:
        raise InvalidValue(f"A request names at most {MOST_FRAMES} frames")
    if max(numbers) > count:
        raise NotFound(f"The instance has {count} frames")
    return [number - 1 for number in numbers]


def _offers(stored: TransferSyntax, accept: str) -> list[Representation]:
    """Return what can be given of a frame: as stored first.

    Native frames are the same in Implicit and Explicit VR Little Endian. Compressed ones have a media type of their
    own; a viewer that names a transfer syntax takes them as octets too (PS3.18 8.7.3.3.2).
    """
    uncompressed = Representation(OCTETS, EXPLICIT_VR_LITTLE_ENDIAN, multipart=True)
    if not stored.encapsulated:
        return [uncompressed]
    offers = [Representation(stored.media_type, stored.uid, multipart=True)]
    if "transfer-syntax" in accept.lower():
        offers.append(Representation(OCTETS, stored.uid, multipart=True))
    return offers if stored.codec == "video" else [*offers, uncompressed]


async def _frame(place: Source, index: int, chosen: Representation) -> bytes:
    if chosen.transfer_syntax == place.transfer_syntax.uid:
        return await place.stored(index)
    return await place.explicit_little_endian(index)


def _head(boundary: str, chosen: Representation, data: bytes) -> bytes:
    return part_head(boundary, chosen.media_type, len(data), transfer_syntax=chosen.transfer_syntax)


async def _parts(place: Source, indices: Sequence[int], chosen: Representation, boundary: str) -> AsyncIterator[bytes]:
    for index in indices:
        data = await _frame(place, index, chosen)
        yield _head(boundary, chosen, data) + data
    yield closing(boundary)
