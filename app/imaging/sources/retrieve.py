"""WADO-RS retrieve where some instances stay at their site: each is fetched when its turn comes.

What cannot be had is left out and the rest is served (206, PS3.18 10.4.3); nothing at all is a failure of the source.
https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html
"""

import logging
from collections.abc import AsyncIterator, Callable, Sequence

from app.imaging.parts import head_of, pieces
from app.imaging.pixels import from_first_present, present, transcoded
from app.imaging.request import DicomRequest
from app.imaging.response import DICOM, Streamed, headers, new_boundary
from app.imaging.sources.failures import SourceFailed
from dicom.accept import NotAcceptable as NotTaken
from dicom.accept import Representation
from dicom.multipart import closing, content_type
from dicom.store.read import InstanceRow
from fhir.errors import NotAcceptable

PARTIAL = 206

logger = logging.getLogger(__name__)

Choose = Callable[[InstanceRow], Representation]


async def retrieve_with_references(request: DicomRequest, rows: Sequence[InstanceRow], choose: Choose) -> Streamed:
    """Answer instances in parts, some of which are fetched from where their site keeps them.

    Args:
        request: Whose access to them is recorded.
        rows: The instances.
        choose: Chooses the form of an instance that is at hand, in parts.

    Raises:
        SourceFailed: none of them can be had.
        NotAcceptable: the caller takes no form in which the first can be given.
    """
    first, *left = found = await from_first_present(request.hub, rows)
    boundary = new_boundary()
    body = _parts(request, first, choose(first), left, choose, boundary)
    return Streamed(body, PARTIAL if len(found) < len(rows) else 200, headers(content_type(DICOM, boundary)))


async def _parts(
    request: DicomRequest,
    first: InstanceRow,
    chosen: Representation,
    left: Sequence[InstanceRow],
    choose: Choose,
    boundary: str,
) -> AsyncIterator[bytes]:
    async for piece in _part(request, first, chosen, boundary):
        yield piece
    missing = 0
    for row in left:
        begun = False
        try:
            found = await present(request.hub, row)
            chosen = choose(found)
            async for piece in _part(request, found, chosen, boundary):
                begun = True
                yield piece
        except (SourceFailed, NotAcceptable, NotTaken):
            if begun:
                # Half an instance is none: the answer ends here, and not as if it were whole.
                raise
            missing += 1
    if missing:
        logger.warning("%d instances of a study are left out: they cannot be had from their imaging source", missing)
    yield closing(boundary)


async def _part(request: DicomRequest, row: InstanceRow, chosen: Representation, boundary: str) -> AsyncIterator[bytes]:
    """Yield an instance behind its head; what fails, fails before the head is sent."""
    if chosen.transfer_syntax != row.transfer_syntax_uid:
        data = await transcoded(request.hub, row, chosen.transfer_syntax)
        yield head_of(request, boundary, row, chosen.transfer_syntax, len(data)) + data
        return
    head = head_of(request, boundary, row, chosen.transfer_syntax, row.size)
    async for piece in pieces(request.hub, row, range(row.size)):
        yield head + piece
        head = b""
