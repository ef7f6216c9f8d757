"""WADO-RS pixel data: all frames of an instance, a series or a study, each a part with its own address.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.7
"""

from collections.abc import AsyncIterator, Sequence
from functools import cache, partial

from app.imaging.found import instances
from app.imaging.frames import offers
from app.imaging.lacking import at_hand, begun, check_whole, status_and_warning
from app.imaging.made import made_frame
from app.imaging.pixels import Damaged, stored_frames, tag_of
from app.imaging.request import DicomRequest
from app.imaging.response import DicomResponse, Streamed, headers, new_boundary, not_modified
from app.imaging.sources.failures import SourceFailed
from dicom.accept import Representation, choose
from dicom.multipart import closing, content_type, part_head
from dicom.store.read import InstanceRow
from dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, TRANSFER_SYNTAXES
from fhir.errors import FhirError, NotAcceptable, NotFound


async def pixel_data(request: DicomRequest) -> DicomResponse:
    """Answer the frames of the instances that the address names, in their order.

    Raises:
        NotFound: there are none for the caller, or none with frames.
        NotAcceptable: the caller takes no form in which they can be given.
        SourceFailed: the site that keeps them gives none of them.
    """
    rows = [row for row in await instances(request) if row.number_of_frames]
    if not rows:
        raise NotFound("Nothing in it has frames")
    # Those that are stored alike are given alike: what is taken is read once for them.
    form = cache(partial(_choose, request.accept))
    chosen = [form(row.transfer_syntax_uid) for row in rows]
    tag = tag_of(rows, f"pixeldata {chosen}")
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    found, lacking = await at_hand(request, rows)
    chosen = [form(row.transfer_syntax_uid) for row in found]
    status, warning = status_and_warning(len(lacking), len(rows))
    boundary = new_boundary()
    kind = content_type(chosen[0].media_type, boundary)
    nothing = NotFound("Nothing in it has frames")
    body = await begun(_parts(request, found, chosen, boundary), closing(boundary), nothing)
    return Streamed(body, status, [*headers(kind, b"" if lacking else tag), *warning])


def _choose(accept: str, transfer_syntax_uid: str) -> Representation:
    syntax = TRANSFER_SYNTAXES[transfer_syntax_uid]
    if syntax.deflated:
        syntax = TRANSFER_SYNTAXES[EXPLICIT_VR_LITTLE_ENDIAN]
    return choose(accept, offers(syntax, accept, single=False))


async def _parts(
    request: DicomRequest, rows: Sequence[InstanceRow], chosen: Sequence[Representation], boundary: str
) -> AsyncIterator[bytes]:
    lost: list[InstanceRow] = []
    failure: FhirError | None = None
    is_begun = False
    for row, one in zip(rows, chosen, strict=True):
        try:
            place = await stored_frames(request.hub, row)
            for index in range(len(place)):
                data = await made_frame(place, index, one.transfer_syntax)
                location = f"{request.root}/{row.path}/frames/{index + 1}"
                syntax = one.transfer_syntax
                head = part_head(boundary, one.media_type, len(data), transfer_syntax=syntax, location=location)
                yield head + data
                is_begun = True
        except NotFound:
            # It says that it has frames, and has none.
            continue
        except (SourceFailed, Damaged, NotAcceptable) as error:
            lost.append(row)
            failure = failure or error
    if failure is not None and not is_begun:
        raise failure
    check_whole(request, lost)
    yield closing(boundary)
