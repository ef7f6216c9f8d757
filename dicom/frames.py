"""The bytes of one frame as they are stored, or as Explicit VR Little Endian writes them.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.1.1.6.html
"""

from collections.abc import Callable

import numpy as np

from dicom.failures import DATA_SET_DOES_NOT_MATCH_SOP_CLASS, PROCESSING_FAILURE, InvalidInstance
from dicom.frame_table import frame_place
from dicom.image_pixel import ImagePixel
from dicom.part10 import Instance

Read = Callable[[int, int], bytes]
"""Returns the bytes at an offset, of a length: `os.pread` on a blob, or a slice."""


def stored_frame(read: Read, packed: bytes, index: int) -> bytes:
    """Return the stored bytes of one frame: native pixels, or its code stream.

    Args:
        read: Reads the blob the table belongs to.
        packed: The frame table.
        index: From 0; DICOMweb counts from 1.

    Raises:
        IndexError: There is no such frame.
    """
    spans, skip, bits = frame_place(packed, index)
    joined = read(*spans[0]) if len(spans) == 1 else b"".join([read(offset, length) for offset, length in spans])
    if not skip and not bits % 8:
        return joined
    # Frames of one-bit pixels follow each other without a gap (PS3.5 8.2), the first bit lowest.
    one_by_one = np.unpackbits(np.frombuffer(joined, np.uint8), bitorder="little")[skip : skip + bits]
    return np.packbits(one_by_one, bitorder="little").tobytes()


def frame(instance: Instance, index: int) -> bytes:
    """Return the stored bytes of one frame of an instance in memory.

    Raises:
        InvalidInstance: It has no pixel data.
        IndexError: There is no such frame.
    """
    if instance.pixels is None:
        raise InvalidInstance("the instance has no pixel data", DATA_SET_DOES_NOT_MATCH_SOP_CLASS)
    data = instance.file.data
    return stored_frame(
        lambda offset, length: bytes(data[offset : offset + length]), instance.pixels.frames.pack(), index
    )


def little_endian(image: ImagePixel, stored: bytes) -> bytes:
    """Return a native frame with the low byte of each word first.

    Raises:
        InvalidInstance: A word belongs to two frames.
    """
    if not image.word_swapped:
        return stored
    # Eight-bit pixels in an OW element are swapped in pairs as well (PS3.5 8.1.1, annex A.3).
    word = max(2, image.bits_allocated // 8)
    if len(stored) % word:
        raise InvalidInstance("swapped frames of odd length cannot be divided", PROCESSING_FAILURE)
    return np.frombuffer(stored, f"u{word}").byteswap().tobytes()
