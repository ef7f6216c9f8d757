"""WADO-RS retrieve where some instances are not to be had at once: each is fetched, or read, when its turn comes.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html
"""

from collections.abc import AsyncIterator, Callable, Sequence

from app.imaging.lacking import at_hand, check_whole, status_and_warning
from app.imaging.parts import head_of, pieces
from app.imaging.pixels import Damaged, present, transcoded
from app.imaging.request import DicomRequest
from app.imaging.response import DICOM, Streamed, headers, new_boundary
from app.imaging.sources.failures import SourceFailed
from dicom.accept import NotAcceptable as NotTaken
from dicom.accept import Representation
from dicom.multipart import closing, content_type
from dicom.store.read import InstanceRow
from fhir.errors import NotAcceptable

Choose = Callable[[InstanceRow], Representation]

_NOT_GIVEN = (SourceFailed, Damaged, NotAcceptable, NotTaken)


async def retrieve_with_references(request: DicomRequest, rows: Sequence[InstanceRow], choose: Choose) -> Streamed:
    """Answer instances in parts, some of which are fetched from where their site keeps them.

    Args:
        request: Whose access to them is recorded.
        rows: The instances.
        choose: Chooses the form of an instance that is at hand, in parts.

    Raises:
        SourceFailed: none of them can be had.
        NotAcceptable: the caller takes no form in which any can be given.
    """
    found, _ = await at_hand(request, rows)
    boundary = new_boundary()
    failure: Exception | None = None
    for number, row in enumerate(found):
        part = _part(request, row, choose, boundary)
        try:
            begun = await anext(part)
        except _NOT_GIVEN as error:
            failure = error
            continue
        left = found[number + 1 :]
        status, warning = status_and_warning(len(rows) - 1 - len(left), len(rows))
        body = _body(request, begun, part, left, choose, boundary)
        return Streamed(body, status, [*headers(content_type(DICOM, boundary)), *warning])
    raise failure or SourceFailed("No instance can be had from its imaging source")


async def _body(
    request: DicomRequest,
    begun: bytes,
    first: AsyncIterator[bytes],
    left: Sequence[InstanceRow],
    choose: Choose,
    boundary: str,
) -> AsyncIterator[bytes]:
    yield begun
    async for piece in first:
        yield piece
    lost: list[InstanceRow] = []
    for row in left:
        inside = False
        try:
            async for piece in _part(request, row, choose, boundary):
                inside = True
                yield piece
        except _NOT_GIVEN:
            lost.append(row)
            if inside:
                # Half an instance is none: nothing can follow it.
                break
    check_whole(request, lost)
    yield closing(boundary)


async def _part(request: DicomRequest, row: InstanceRow, choose: Choose, boundary: str) -> AsyncIterator[bytes]:
    """Yield an instance behind its head; most of what fails, fails before the head is sent."""
    row = await present(request.hub, row)
    chosen = choose(row)
    if chosen.transfer_syntax != row.transfer_syntax_uid:
        data = await transcoded(request.hub, row, chosen.transfer_syntax)
        yield head_of(request, boundary, row, chosen.transfer_syntax, len(data)) + data
        return
    head = head_of(request, boundary, row, chosen.transfer_syntax, row.size)
    async for piece in pieces(request.hub, row, range(row.size)):
        yield head + piece
        head = b""
