"""WADO-RS bulk data: what a BulkDataURI in the metadata leads to, or all of it at once.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.5
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from app.imaging.found import instances
from app.imaging.lacking import at_hand, begun, check_whole, status_and_warning
from app.imaging.pixels import MOST_TRANSCODED_BYTES, Damaged, present, stored_bytes, tag_of
from app.imaging.ranges import in_one_piece
from app.imaging.request import DicomRequest
from app.imaging.response import DicomResponse, Streamed, etag, headers, new_boundary, not_modified
from app.imaging.sources.failures import SourceFailed
from app.records.response import Response
from dicom.accept import Representation, choose
from dicom.bulk_data import NoBulkData, everything, value, value_at
from dicom.multipart import closing, content_type, part_head
from dicom.part10 import read_part10
from dicom.store.read import InstanceRow
from fhir.errors import FhirError, NotAcceptable, NotFound

OCTETS = "application/octet-stream"


async def bulk_data(request: DicomRequest) -> Response:
    """Answer one value of an instance, in parts or alone.

    Raises:
        NotFound: there is no such instance or value for the caller.
        NotAcceptable: the caller takes no octets, or the instance is too large to be read for this.
    """
    chosen = choose(request.accept, [Representation(OCTETS, multipart=True), Representation(OCTETS)])
    (row,) = await instances(request)
    row = await present(request.hub, row)
    tag = etag([row.digest], f"{chosen} {request.bulk}")
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    _check_size([row])
    try:
        found = await asyncio.to_thread(value_at, await stored_bytes(request.hub, row), request.bulk)
    except NoBulkData as error:
        raise NotFound("There is no such value in the instance") from error
    if not chosen.multipart:
        return in_one_piece(request, found, headers(OCTETS, tag), tag)
    boundary = new_boundary()
    body = b"".join((part_head(boundary, OCTETS, len(found)), found, closing(boundary)))
    return Response(200, body, headers(content_type(OCTETS, boundary), tag))


async def all_bulk_data(request: DicomRequest) -> DicomResponse:
    """Answer every bulk value of the instances that the address names, each part with its own address.

    Raises:
        NotFound: there are no such instances for the caller, or no bulk data in them.
        Damaged: nothing of them can be had, or SourceFailed.
        NotAcceptable: the caller takes no octets in parts, or an instance is too large to be read for this.
    """
    choose(request.accept, [Representation(OCTETS, multipart=True)])
    rows = await instances(request)
    tag = tag_of(rows, "bulkdata")
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    found, lacking = await at_hand(request, rows)
    _check_size(found)
    status, warning = status_and_warning(len(lacking), len(rows))
    boundary = new_boundary()
    kind = content_type(OCTETS, boundary)
    nothing = NotFound("The instances have no bulk data" if len(rows) > 1 else "The instance has no bulk data")
    body = await begun(_parts(request, found, boundary), closing(boundary), nothing)
    return Streamed(body, status, [*headers(kind, b"" if lacking else tag), *warning])


def _check_size(rows: Sequence[InstanceRow]) -> None:
    if max(row.size for row in rows) > MOST_TRANSCODED_BYTES:
        raise NotAcceptable("The instance is too large; its frames can be had one by one")


async def _parts(request: DicomRequest, rows: Sequence[InstanceRow], boundary: str) -> AsyncIterator[bytes]:
    lost: list[InstanceRow] = []
    failure: FhirError | None = None
    is_begun = False
    for row in rows:
        try:
            data = await stored_bytes(request.hub, row)
        except (SourceFailed, Damaged, NotAcceptable) as error:
            lost.append(row)
            failure = failure or error
            continue
        for path, found in await asyncio.to_thread(_values, data):
            yield part_head(boundary, OCTETS, len(found), location=f"{request.root}/{row.path}/bulkdata/{path}") + found
            is_begun = True
    if failure is not None and not is_begun:
        raise failure
    check_whole(request, lost)
    yield closing(boundary)


def _values(data: bytes) -> list[tuple[str, bytes]]:
    file = read_part10(data)
    return [(path, value(file, element)) for path, element in everything(file)]
