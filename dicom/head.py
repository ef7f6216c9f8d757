"""The beginning of a Part 10 file, as it comes: until its pixel data, of which nothing is needed to know its header.

https://dicom.nema.org/medical/dicom/current/output/chtml/part10/chapter_7.html
"""

import re
from struct import unpack_from
from typing import Any

import orjson

from dicom.failures import InvalidInstance
from dicom.json_model import bulk_data_root, render
from dicom.part10 import Instance, read_instance

MOST_BYTES = 32 * 1024 * 1024
"""Of a header; a larger one is read out of a file."""

MOST_TRIES = 50
"""Places that look like pixel data and are none: within a picture in a sequence, or by chance."""

_PIXEL_DATA = re.compile(rb"\xe0\x7f[\x08-\x10]\x00|\x7f\xe0\x00[\x08-\x10]")
"""Pixel Data, or Float or Double Float Pixel Data, in either order of bytes."""
_LONGEST_HEAD = 12
"""Bytes of the tag, the VR and the length."""


class Whole(Exception):
    """The header is whole; nothing more is needed."""


class TooLong(Exception):
    """The header is larger than is read in this way."""


class Head:
    """Takes the bytes of a file until its header is whole."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._searched = self._tries = 0
        self._found: Instance | None = None
        self._pixels: tuple[str, str, bool] | None = None

    def write(self, content: bytes | memoryview, /) -> None:
        """Take bytes.

        Raises:
            Whole: no more are needed.
            TooLong: there are too many.
        """
        self._data += content
        while found := _PIXEL_DATA.search(self._data, self._searched):
            if found.start() + _LONGEST_HEAD > len(self._data):
                self._searched = found.start()
                return
            self._searched = found.start() + 1
            self._tries += 1
            if self._tries > MOST_TRIES:
                raise TooLong
            if self._ends_at(found.start()):
                raise Whole
        self._searched = max(self._searched, len(self._data) - 3)
        if len(self._data) > MOST_BYTES:
            raise TooLong

    def _ends_at(self, position: int) -> bool:
        """Return whether what comes before a place is a header as a whole, and pixel data begins there."""
        try:
            self._found = read_instance(bytes(self._data[:position]))
        except InvalidInstance:
            # Within an element, or a sequence, that does not end there.
            return False
        head = self._data[position : position + _LONGEST_HEAD]
        syntax = self._found.file.transfer_syntax
        group, number = unpack_from(">HH" if syntax.big_endian else "<HH", head)
        vr = "OW" if syntax.implicit_vr else head[4:6].decode("latin-1")
        length = head[4:8] if syntax.implicit_vr else head[8:12]
        self._pixels = f"{group:04X}{number:04X}", vr, any(length)
        return True

    def instance(self) -> Instance:
        """Return the instance without its pixels.

        Raises:
            InvalidInstance: it is none, or its header is not whole.
        """
        return self._found or read_instance(bytes(self._data))

    def model(self) -> dict[str, Any]:
        """Return the header in DICOM JSON; pixel data is where it is found, relative to the service's root.

        Raises:
            InvalidInstance: it is no instance, or its header is not whole.
        """
        instance = self.instance()
        model: dict[str, Any] = orjson.loads(render(instance))
        if self._pixels is not None:
            tag, vr, has_value = self._pixels
            uids = instance.study_instance_uid, instance.series_instance_uid, instance.sop_instance_uid
            place = {"BulkDataURI": f"{bulk_data_root(*uids)}/{tag}"} if has_value else {}
            model[tag] = {"vr": vr, **place}
        return model
