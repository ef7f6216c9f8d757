"""WADO-RS frames: as they are stored, uncompressed, or compressed in another way.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.6
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from app.imaging.found import instances
from app.imaging.made import made_frame
from app.imaging.pixels import StoredFrames, present, stored_frames
from app.imaging.ranges import in_one_piece
from app.imaging.request import DicomRequest
from app.imaging.response import DicomResponse, Streamed, etag, headers, new_boundary, not_modified
from app.records.response import Response
from dicom.accept import Representation, choose
from dicom.multipart import closing, content_type, part_head
from dicom.transfer_syntaxes import (
    COMPRESSED,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    TRANSFER_SYNTAXES,
    TransferSyntax,
)
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
    # Of a reference, what its site gives now has a tag, and not that it is one.
    row = await present(request.hub, row)
    place = await stored_frames(request.hub, row)
    indices = frame_indices(request.frames, len(place))
    chosen = choose(request.accept, offers(place.transfer_syntax, request.accept, single=len(indices) == 1))
    tag = etag([row.digest], f"{chosen} {request.frames}")
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    if not chosen.multipart:
        kind = f"{chosen.media_type}; transfer-syntax={chosen.transfer_syntax}"
        data = await made_frame(place, indices[0], chosen.transfer_syntax)
        return in_one_piece(request, data, headers(kind, tag), tag)
    boundary = new_boundary()
    found = headers(content_type(chosen.media_type, boundary, chosen.transfer_syntax), tag)
    # What cannot be given so is told before the answer has begun.
    first = await made_frame(place, indices[0], chosen.transfer_syntax)
    if len(indices) == 1:
        return Response(200, b"".join((_head(boundary, chosen, first), first, closing(boundary))), found)
    return Streamed(_parts(place, indices, chosen, boundary, first), 200, found)


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


def offers(stored: TransferSyntax, accept: str, *, single: bool) -> list[Representation]:
    """Return what can be given of a frame: as stored first.

    Native frames are the same in Implicit and Explicit VR Little Endian. Compressed ones have a media type of their
    own; a viewer that names a transfer syntax takes them as octets too (PS3.18 8.7.3.3.2).

    Args:
        stored: How they are stored.
        accept: What the caller takes.
        single: Whether one frame is asked for, which may be given without parts.
    """
    native = [Representation(OCTETS, uid, True) for uid in (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)]
    named = (stored.uid, *COMPRESSED) if stored.encapsulated else COMPRESSED
    compressed = [TRANSFER_SYNTAXES[uid] for uid in dict.fromkeys(named)]
    if stored.codec == "video":
        native, compressed = [], [stored]
    own = [Representation(one.media_type, one.uid, True) for one in compressed]
    if "transfer-syntax" in accept.lower():
        own += [Representation(OCTETS, one.uid, True) for one in compressed]
    # What is uncompressed is cheaper to make than any other way of compressing; what is stored costs nothing.
    found = [*own, *native] if stored.encapsulated else [*native, *own]
    return [*found, *(replace(one, multipart=False) for one in found)] if single else found


def _head(boundary: str, chosen: Representation, data: bytes) -> bytes:
    return part_head(boundary, chosen.media_type, len(data), transfer_syntax=chosen.transfer_syntax)


async def _parts(
    place: StoredFrames, indices: Sequence[int], chosen: Representation, boundary: str, first: bytes
) -> AsyncIterator[bytes]:
    yield _head(boundary, chosen, first) + first
    for index in indices[1:]:
        data = await made_frame(place, index, chosen.transfer_syntax)
        yield _head(boundary, chosen, data) + data
    yield closing(boundary)
