"""Stored bytes of an instance, and its frames: read by their place, decoded in the worker processes.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.1.1.6.html
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.blobs import BlobMissing
from app.hub import Hub
from app.imaging.response import etag
from app.imaging.sources.failures import Untrue
from dicom import tasks
from dicom.failures import InvalidInstance
from dicom.frame_table import frame_place, number_of_frames
from dicom.frames import stored_frame
from dicom.part10 import read_instance
from dicom.store.read import InstanceRow
from dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, TRANSFER_SYNTAXES, TransferSyntax
from fhir.errors import FhirError, NotAcceptable, NotFound

MOST_TRANSCODED_BYTES = 512 * 1024 * 1024
"""Of an instance that is rewritten as a whole: it passes through memory."""

Read = Callable[[int, int], Awaitable[bytes]]
"""Returns the bytes at an offset, of a length."""


class Damaged(FhirError):
    """The stored bytes are gone, or are not those that were stored."""

    status = 500
    code = "exception"


@dataclass(frozen=True, slots=True)
class StoredFrames:
    """Where the frames of an instance are read."""

    hub: Hub
    read: Read
    transfer_syntax: TransferSyntax
    pixel_offset: int
    """Bytes from the start."""
    frames: bytes
    """For `dicom.frame_table`."""

    def __len__(self) -> int:
        return number_of_frames(self.frames)

    async def stored(self, index: int) -> bytes:
        """Return the stored bytes of a frame, counted from 0; PS3.18 counts from 1."""
        spans, _, _ = frame_place(self.frames, index)
        got = {span: await self.read(*span) for span in spans}
        return stored_frame(lambda offset, length: got[offset, length], self.frames, index)

    async def explicit_little_endian(self, index: int) -> bytes:
        """Return the pixels of a frame as Explicit VR Little Endian stores them.

        Raises:
            NotAcceptable: it cannot be decoded.
        """
        stored = await self.stored(index)
        if not self.transfer_syntax.encapsulated and not self.transfer_syntax.big_endian:
            return stored
        head = await self.read(0, self.pixel_offset)
        return await decoded(self.hub, tasks.frame_in_explicit_little_endian, head, self.transfer_syntax.uid, stored)

    async def picture(self, index: int, asked: dict[str, Any]) -> bytes:
        """Return a frame as an encoded picture.

        Args:
            index: The frame's, from 0.
            asked: The fields of `dicom.rendering.Picture`.

        Raises:
            NotAcceptable: it cannot be decoded or shown.
        """
        head, stored = await self.read(0, self.pixel_offset), await self.stored(index)
        return await decoded(self.hub, tasks.picture, head, self.transfer_syntax.uid, stored, index, asked)


async def decoded(hub: Hub, task: Callable[..., bytes], *args: Any) -> bytes:
    """Return what a task returns in a worker process.

    Raises:
        NotAcceptable: the bytes cannot be decoded, or not within the limits.
    """
    try:
        return await hub.decoding.run(task, *args)
    except InvalidInstance as error:
        raise NotAcceptable(f"This form of the instance cannot be made: {error.reason}") from error


async def stored_bytes(hub: Hub, row: InstanceRow, start: int = 0, length: int | None = None) -> bytes:
    """Return bytes of an instance; all of them when nothing else is said.

    Raises:
        Damaged: they are gone, or fewer than they were.
        SourceFailed: the site that keeps them does not give them.
        NotAcceptable: all are asked for of one that a site keeps, and that is too large to pass through memory.
    """
    if row.source is not None:
        return await _of_source(hub, row, start, length)
    wanted = row.size - start if length is None else length
    try:
        found = await hub.blobs.read(row.custodian, row.digest, start, wanted)
    except BlobMissing as error:
        raise Damaged("The bytes of the instance are gone") from error
    if len(found) != wanted:
        raise Damaged("The bytes of the instance are cut short")
    return found


async def _of_source(hub: Hub, row: InstanceRow, start: int, length: int | None) -> bytes:
    held = await hub.held.hold(row)
    if row.digest and held.digest != row.digest:
        # What has begun with one is not gone on with from another: it was fetched again meanwhile, and is another.
        raise Untrue("The imaging source has changed an image while it was read")
    wanted = held.size - start if length is None else length
    if length is None and wanted > MOST_TRANSCODED_BYTES:
        raise NotAcceptable("The instance is too large; its frames can be had one by one")
    found = held.read(start, wanted)
    if len(found) != wanted:
        raise Damaged("The bytes of the instance are cut short")
    return found


async def present(hub: Hub, row: InstanceRow) -> InstanceRow:
    """Return a row that says all of its instance's bytes: of a reference, after they were fetched from its source.

    Raises:
        SourceFailed: the site that keeps them does not give them.
    """
    if row.source is None:
        return row
    held = await hub.held.hold(row)
    return replace(row, size=held.size, digest=held.digest, **held.columns)


def tag_of(rows: Sequence[InstanceRow], representation: str) -> bytes:
    """Return the entity tag of instances; none where a site keeps some, for the answer may lack those."""
    if any(row.source is not None for row in rows):
        return b""
    return etag((row.digest for row in rows), representation)


async def transcoded(hub: Hub, row: InstanceRow, transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN) -> bytes:
    """Return the instance as a file in another transfer syntax.

    Raises:
        NotAcceptable: it cannot be decoded or written so, or is too large.
        SourceFailed: the site that keeps it does not give it.
    """
    row = await present(hub, row)
    if row.size > MOST_TRANSCODED_BYTES:
        raise NotAcceptable(f"Instances of more than {MOST_TRANSCODED_BYTES} bytes are not transcoded")
    return await decoded(hub, tasks.in_transfer_syntax, await stored_bytes(hub, row), transfer_syntax_uid)


async def stored_frames(hub: Hub, row: InstanceRow) -> StoredFrames:
    """Return where the frames of an instance are read.

    Raises:
        NotFound: it has no pixel data.
        SourceFailed: the site that keeps it does not give it.
    """
    row = await present(hub, row)
    if row.frames is not None and row.pixel_offset is not None:

        async def read(start: int, length: int) -> bytes:
            return await stored_bytes(hub, row, start, length)

        syntax = TRANSFER_SYNTAXES[row.transfer_syntax_uid]
        return StoredFrames(hub, read, syntax, row.pixel_offset, bytes(row.frames))
    if row.number_of_frames is None or not TRANSFER_SYNTAXES[row.transfer_syntax_uid].deflated:
        raise NotFound("The instance has no frames")
    return await _inflated(hub, row)


async def _inflated(hub: Hub, row: InstanceRow) -> StoredFrames:
    """Return the frames of a deflated instance: nothing in it has a place until it is inflated."""
    data = await transcoded(hub, row)
    instance = read_instance(data)
    if instance.pixels is None:
        raise NotFound("The instance has no frames")

    async def read(start: int, length: int) -> bytes:
        return data[start : start + length]

    syntax = TRANSFER_SYNTAXES[EXPLICIT_VR_LITTLE_ENDIAN]
    return StoredFrames(hub, read, syntax, instance.pixels.element.offset, instance.pixels.frames.pack())
