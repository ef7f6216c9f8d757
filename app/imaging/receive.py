"""The parts of a STOW-RS request: each is read, checked and kept as it comes; memory stays small.

Files are made durable in groups: while the disk flushes one group, the next comes in.
https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from app.blobs import Incoming
from app.imaging.keep import Failure, Received, keep, keep_all
from app.imaging.request import DicomRequest
from dicom.indexing import Facts, SeriesFacts, StudyFacts
from dicom.multipart import TooLarge, boundary_of, read_parts
from fhir.errors import FhirError

MOST_MODEL_BYTES = 200_000_000
"""Of all headers of one request as DICOM JSON: they wait in memory for the transaction."""

GROUP, GROUP_BYTES = 8, 64_000_000
"""So many files, or files of so many bytes, are made durable at a time; each is an open file until then."""

PATIENCE_SECONDS = 60.0
"""How long a sender may be silent, or behind the slowest pace that is waited for."""
SLOWEST_BYTES_PER_SECOND = 1_000
"""A line of a hundredth of a megabit is faster; who is slower holds a place that others need."""


class TooSlow(FhirError):
    """The body does not come."""

    status = 408
    code = "timeout"


async def in_time(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what `chunks` yields as long as it comes in time.

    Raises:
        TooSlow: nothing came for a minute, or less than a thousand bytes a second and a minute's worth more.
    """
    clock = asyncio.get_running_loop().time
    waited, received = 0.0, 0
    while True:
        began = clock()
        allowed = PATIENCE_SECONDS + received / SLOWEST_BYTES_PER_SECOND - waited
        try:
            async with asyncio.timeout(min(PATIENCE_SECONDS, allowed)):
                chunk = await anext(chunks, None)
        except TimeoutError as error:
            raise TooSlow("The body does not come, or too slowly; what came of it is not stored") from error
        if chunk is None:
            return
        # Only the sender's time counts, not that of the disk.
        waited += clock() - began
        received += len(chunk)
        yield chunk


class _Receiving:
    """A request's files on their way: one group comes in while the one before it is made durable."""

    def __init__(self, request: DicomRequest) -> None:
        self._request = request
        self._open: list[Incoming] = []
        self._group: list[Incoming] = []
        self._group_bytes = 0
        self._model_bytes = 0
        self._said: dict[StudyFacts | SeriesFacts, Any] = {}
        self._keeping: deque[asyncio.Task[list[Received | Failure]]] = deque()

    def open_file(self) -> Incoming:
        """Begin a file."""
        self._open.append(self._request.hub.blobs.incoming())
        return self._open[-1]

    def add(self) -> bool:
        """Take the file that was begun last, which is whole; return whether its group is full."""
        self._group.append(self._open[-1])
        self._group_bytes += self._open[-1].size
        return len(self._group) >= GROUP or self._group_bytes >= GROUP_BYTES

    async def turn(self) -> list[Received | Failure]:
        """Return what became of the group before the one that has come, and begin to keep that.

        Raises:
            TooLarge: the headers of the request are.
        """
        found = await self._kept()
        self._begin()
        return found

    async def rest(self) -> list[Received | Failure]:
        """Keep what has come last, beside the group before it, and return what became of both.

        Raises:
            TooLarge: the headers of the request are.
        """
        self._begin()
        return [*await self._kept(), *await self._kept()]

    def _begin(self) -> None:
        if self._group:
            self._keeping.append(asyncio.create_task(self._keep(self._group)))
            self._group, self._group_bytes = [], 0

    async def _keep(self, group: list[Incoming]) -> list[Received | Failure]:
        request = self._request
        found = await keep_all(request.hub, request.authority.custodian, group, study=request.study)
        for one in group:
            one.discard()
            self._open.remove(one)
        return found

    async def _kept(self) -> list[Received | Failure]:
        if not self._keeping:
            return []
        found = await self._keeping[0]
        self._keeping.popleft()
        self._model_bytes += sum(len(one.extracted.columns["model"]) for one in found if isinstance(one, Received))
        if self._model_bytes > MOST_MODEL_BYTES:
            raise TooLarge(f"the headers of one request have more than {MOST_MODEL_BYTES} bytes")
        return [self._once(one) if isinstance(one, Received) else one for one in found]

    def _once(self, one: Received) -> Received:
        """Return an instance that shares what it says of its study and series with those that say the same."""
        facts = one.extracted.facts
        study, series = (self._said.setdefault(said, said) for said in (facts.study, facts.series))
        shared = replace(one.extracted, facts=Facts(study, series, facts.instance))
        return replace(one, extracted=shared)

    async def close(self) -> None:
        """Remove what was not kept, after whatever is still being done with it."""
        if self._keeping:
            await asyncio.wait(self._keeping)
        for task in self._keeping:
            if not task.cancelled():
                # Whoever failed has its own reason; this one is read so that it is not missed.
                task.exception()
        for one in self._open:
            one.discard()


async def receive(request: DicomRequest) -> AsyncIterator[Received | Failure]:
    """Yield what each part of the body is; the bytes of a Received are durable.

    Raises:
        MalformedMultipart: the body is not multipart/related.
        TooLarge: a part or the whole is longer than the settings allow, or the headers are.
        TooSlow: it does not come in time.
    """
    settings = request.hub.settings
    receiving = _Receiving(request)
    boundary = boundary_of(request.headers.get(b"content-type", b"").decode("latin-1"))
    parts = read_parts(
        in_time(request.chunks()),
        boundary,
        receiving.open_file,
        max_part_bytes=settings.instance_bytes,
        max_request_bytes=settings.stow_bytes,
    )
    try:
        async for _ in parts:
            if receiving.add():
                for one in await receiving.turn():
                    yield one
        for one in await receiving.rest():
            yield one
    finally:
        await receiving.close()


async def receive_one(request: DicomRequest) -> AsyncIterator[Received | Failure]:
    """Yield what a body that is one file is; the bytes of a Received are durable.

    Raises:
        TooLarge: it is longer than the settings allow.
        TooSlow: it does not come in time.
    """
    incoming = request.hub.blobs.incoming()
    most = min(request.hub.settings.instance_bytes, request.hub.settings.stow_bytes)
    try:
        async for chunk in in_time(request.chunks()):
            incoming.write(chunk)
            if incoming.size > most:
                raise TooLarge(f"the request has more than {most} bytes")
        yield await keep(request.hub, request.authority.custodian, incoming, study=request.study)
    finally:
        incoming.discard()
