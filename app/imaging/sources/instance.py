"""An instance of a source as a file on this machine, once its own bytes have proven that it is the one asked for.

https://dicom.nema.org/medical/dicom/current/output/chtml/part10/chapter_7.html
"""

import hashlib
import mmap
import os
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app.imaging.mapped import mapped
from app.imaging.sources.failures import Untrue
from app.imaging.sources.source import ImagingSource
from dicom.failures import InvalidInstance
from dicom.json_model import render
from dicom.part10 import Instance, read_instance
from dicom.store.read import InstanceRow
from dicom.store.refer import Reference


@dataclass(slots=True, weakref_slot=True, eq=False)
class Held:
    """An instance of a source that is on this machine now; its file is open as long as anybody has this."""

    descriptor: int
    size: int
    """Bytes."""
    digest: str
    columns: Mapping[str, Any]
    """What an `InstanceRow` says of such bytes: the transfer syntax, and where the pixels lie."""
    source: int
    kept: bool
    """Whether it lies in the cache as well, by policy."""
    last_read: float
    """When it was last asked for, in seconds of the monotonic clock."""

    def read(self, start: int, length: int) -> bytes:
        """Return bytes of it, also when it was dropped meanwhile."""
        return os.pread(self.descriptor, length, start)

    def header(self) -> dict[str, Any]:
        """Return its header in DICOM JSON; of its file only that is read."""
        data = memoryview(mmap.mmap(self.descriptor, self.size, access=mmap.ACCESS_READ))
        model: dict[str, Any] = orjson.loads(render(read_instance(data)))
        return model


def proven(path: Path, row: InstanceRow | Reference, source: ImagingSource) -> Instance:
    """Return what an instance's own bytes say it is.

    Raises:
        Untrue: it is none, or another than was asked for.
    """
    try:
        instance = read_instance(mapped(path))
    except (InvalidInstance, ValueError) as error:
        raise Untrue(f"The imaging source {source.name} sends no sound instance") from error
    prove(instance, source, row)
    return instance


def prove(instance: Instance, source: ImagingSource, row: InstanceRow | Reference) -> None:
    """Check that an instance is the one that was asked for.

    Raises:
        Untrue: it is another.
    """
    found = instance.study_instance_uid, instance.series_instance_uid, instance.sop_instance_uid
    if found != (row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid):
        raise Untrue(f"The imaging source {source.name} sends another instance than it was asked for")


def from_cache(path: Path, row: InstanceRow | Reference, source: ImagingSource) -> Held:
    """Return an instance that was fetched before, whose file is proven again.

    Raises:
        OSError: the file is gone, or cannot be read.
        Untrue: it is another instance.
    """
    instance = proven(path, row, source)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return opened(path, instance, digest, source)


def opened(path: Path, instance: Instance, digest: str, source: ImagingSource) -> Held:
    """Return an instance with its file open; it is closed with the last who has the instance.

    Args:
        path: The file, which may be removed then.
        instance: What `proven` returned of it.
        digest: Of its bytes.
        source: Whose it is.
    """
    descriptor = os.open(path, os.O_RDONLY)
    pixels = instance.pixels
    # Offsets into inflated bytes say nothing about the file.
    placed = pixels if instance.file.as_received else None
    columns = {
        "transfer_syntax_uid": instance.file.transfer_syntax.uid,
        "pixel_offset": placed.element.offset if placed else None,
        "pixel_length": placed.element.length if placed else None,
        "frames": placed.frames.pack() if placed else None,
        "number_of_frames": pixels.image.number_of_frames if pixels else None,
    }
    size = os.fstat(descriptor).st_size
    held = Held(descriptor, size, digest, columns, source.key, bool(source.days), time.monotonic())
    weakref.finalize(held, os.close, descriptor)
    return held
