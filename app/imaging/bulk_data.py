"""WADO-RS bulk data: what a BulkDataURI in the metadata leads to.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.5
"""

import asyncio

from app.imaging.found import instances
from app.imaging.pixels import MOST_TRANSCODED_BYTES, stored_bytes
from app.imaging.request import DicomRequest
from app.imaging.response import etag, headers, new_boundary, not_modified
from app.records.response import Response
from dicom.accept import Representation, choose
from dicom.bulk_data import NoBulkData, find, value
from dicom.multipart import closing, content_type, part_head
from dicom.part10 import read_part10
from fhir.errors import NotAcceptable, NotFound

OCTETS = "application/octet-stream"


async def bulk_data(request: DicomRequest) -> Response:
    """Answer one value of an instance, in parts or alone.

    Raises:
        NotFound: there is no such instance or value for the caller.
        NotAcceptable: the caller takes no octets, or the instance is too large to be read for this.
    """
    chosen = choose(request.accept, [Representation(OCTETS, multipart=True), Representation(OCTETS)])
    (row,) = await instances(request)
    tag = etag([row.digest], f"{chosen} {request.bulk}")
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    if row.size > MOST_TRANSCODED_BYTES:
        raise NotAcceptable("The instance is too large; its frames can be had one by one")
    try:
        found = await asyncio.to_thread(_value, await stored_bytes(request.hub, row), request.bulk)
    except NoBulkData as error:
        raise NotFound("There is no such value in the instance") from error
    if not chosen.multipart:
        return Response(200, found, headers(OCTETS, tag))
    boundary = new_boundary()
    body = b"".join((part_head(boundary, OCTETS, len(found)), found, closing(boundary)))
    return Response(200, body, headers(content_type(OCTETS, boundary), tag))


def _value(data: bytes, path: str) -> bytes:
    file = read_part10(data)
    return value(file, find(file, path))
