"""What a file of an export is made of: where each resource lies, not what it holds; 24 octets a resource.

So a withdrawn consent leaves nothing behind in a file, and each resource is read under the visibility of the moment in
which it leaves.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from fhir.store.walk import Key

HEAD_BYTES = 40
"""The export's id and the file's number: no two files are equal, so that each blob has one reference."""

_PLACE = struct.Struct(">qqII")
PLACE_BYTES = _PLACE.size


class Head(NamedTuple):
    """Which file of which export."""

    job: str
    number: int


def header(row: int) -> Key:
    """Return what stands for the header of a Patient's block: no resource has so few bytes, and no such version."""
    return Key(row, row, 0, 0, 0)


def is_header(key: Key) -> bool:
    """Return whether a place stands for a header."""
    return key.version == 0


def packed_head(head: Head) -> bytes:
    """Return the first bytes of a file."""
    return f"{head.job:<32}{head.number:08d}".encode()


def packed(keys: Iterable[Key]) -> bytes:
    """Return places as bytes."""
    return b"".join([_PLACE.pack(key.patient_key, key.row, key.size, key.version) for key in keys])


def unpacked(octets: bytes) -> list[Key]:
    """Return the places in bytes."""
    return [Key(key, row, size, 0, version) for key, row, size, version in _PLACE.iter_unpack(octets)]
