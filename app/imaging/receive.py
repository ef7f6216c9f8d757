"""The parts of a STOW-RS request: each is read, checked and kept as it comes; memory stays small.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
"""

import asyncio
from collections.abc import AsyncIterator

from app.blobs import Incoming
from app.imaging.keep import Failure, Received, keep
from app.imaging.request import DicomRequest
from dicom.multipart import TooLarge, boundary_of, read_parts

MOST_MODEL_BYTES = 200_000_000
"""Of all headers of one request as DICOM JSON: they wait in memory for the transaction."""


async def receive(request: DicomRequest) -> AsyncIterator[Received | Failure]:
    """Yield what each part of the body is; the bytes of a Received are durable.

    Raises:
        MalformedMultipart: the body is not multipart/related.
        TooLarge: a part or the whole is longer than the settings allow, or the headers are.
    """
    settings, blobs = request.hub.settings, request.hub.blobs
    spooled: list[Incoming] = []

    def open_file() -> Incoming:
        spooled.append(blobs.incoming())
        return spooled[-1]

    model_bytes = 0
    boundary = boundary_of(request.headers.get(b"content-type", b"").decode("latin-1"))
    try:
        async for part in read_parts(
            request.chunks(),
            boundary,
            open_file,
            max_part_bytes=settings.instance_bytes,
            max_request_bytes=settings.stow_bytes,
        ):
            found = await keep(
                request.hub,
                request.authority.custodian,
                spooled[-1],
                size=part.size,
                sha256=part.sha256,
                study=request.study,
            )
            spooled.pop().discard()
            if isinstance(found, Received):
                model_bytes += len(found.extracted.columns["model"])
                if model_bytes > MOST_MODEL_BYTES:
                    raise TooLarge(f"the headers of one request have more than {MOST_MODEL_BYTES} bytes")
            yield found
    finally:
        for one in spooled:
            one.discard()


async def receive_one(request: DicomRequest) -> AsyncIterator[Received | Failure]:
    """Yield what a body that is one file is; the bytes of a Received are durable.

    Raises:
        TooLarge: it is longer than the settings allow.
    """
    incoming = request.hub.blobs.incoming()
    most = min(request.hub.settings.instance_bytes, request.hub.settings.stow_bytes)
    try:
        async for chunk in request.chunks():
            incoming.write(chunk)
            if incoming.size > most:
                raise TooLarge(f"the request has more than {most} bytes")
        digest = await asyncio.to_thread(incoming.finish)
        custodian, size = request.authority.custodian, incoming.size
        yield await keep(request.hub, custodian, incoming, size=size, sha256=digest, study=request.study)
    finally:
        incoming.discard()
