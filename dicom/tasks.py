"""What worker processes do with stored bytes: a picture, a frame or a file of them.

Everything that goes in and comes out can be pickled; `dicom.decoding` runs these. The codecs are imported by whoever
runs a task, so that a server that only hands tasks out never loads them.
"""

from struct import unpack_from
from typing import Any

from dicom.data_set import Element
from dicom.failures import InvalidInstance
from dicom.image_pixel import ImagePixel
from dicom.part10 import Part10, image_pixel, read_instance, read_part10
from dicom.presentation import presentation
from dicom.transfer_syntaxes import TRANSFER_SYNTAXES


def frame_in_explicit_little_endian(head: bytes, transfer_syntax_uid: str, stored: bytes) -> bytes:
    """Return the pixels of one frame as Explicit VR Little Endian stores them.

    Args:
        head: The file up to the value of its pixel data.
        transfer_syntax_uid: How the file is written; not deflated.
        stored: What `dicom.frames.stored_frame` returned.

    Raises:
        InvalidInstance: The frame cannot be decoded.
    """
    from dicom.transcoding import explicit_little_endian_frame

    _, image = before_pixels(head, transfer_syntax_uid)
    return explicit_little_endian_frame(image, TRANSFER_SYNTAXES[transfer_syntax_uid], stored)


def in_transfer_syntax(data: bytes, target: str) -> bytes:
    """Return a Part 10 file in another transfer syntax.

    Args:
        data: The file as stored.
        target: One of `dicom.transfer_syntaxes.MADE`.

    Raises:
        InvalidInstance: It cannot be decoded or compressed, or is too large.
    """
    from dicom.transcoding import to_transfer_syntax

    return to_transfer_syntax(read_instance(data), target)


def frame_in_transfer_syntax(head: bytes, transfer_syntax_uid: str, stored: bytes, target: str) -> bytes:
    """Return one frame's code stream in another compressed transfer syntax.

    Args:
        head: The file up to the value of its pixel data.
        transfer_syntax_uid: How the file is written; not deflated.
        stored: What `dicom.frames.stored_frame` returned.
        target: One of `dicom.transfer_syntaxes.COMPRESSED`.

    Raises:
        InvalidInstance: The frame cannot be decoded, or the syntax holds no such pixels.
    """
    from dicom.transcoding import compressed_frame

    _, image = before_pixels(head, transfer_syntax_uid)
    return compressed_frame(image, TRANSFER_SYNTAXES[transfer_syntax_uid], stored, target)


def picture(head: bytes, transfer_syntax_uid: str, stored: bytes, index: int, asked: dict[str, Any]) -> bytes:
    """Return one frame as an encoded picture.

    Args:
        head: The file up to the value of its pixel data.
        transfer_syntax_uid: How the file is written; not deflated.
        stored: What `dicom.frames.stored_frame` returned.
        index: The frame's, from 0.
        asked: The fields of `dicom.rendering.Picture`.

    Raises:
        InvalidInstance: The frame cannot be decoded or shown.
    """
    from dicom.annotation import lines
    from dicom.overlays import overlays
    from dicom.rendering import Picture, render_frame

    file, image = before_pixels(head, transfer_syntax_uid)
    wanted = Picture(**asked)
    written = lines(file, wanted.annotation)
    planes = overlays(file, index) if "overlay" in wanted.annotation else ()
    return render_frame(image, transfer_syntax_uid, stored, presentation(file, index), wanted, written, planes)


def before_pixels(head: bytes, transfer_syntax_uid: str) -> tuple[Part10, ImagePixel]:
    """Return what stands before the pixel data, and the numbers of the Image Pixel module.

    Args:
        head: The file up to the value of its pixel data.
        transfer_syntax_uid: How the file is written; not deflated.

    Raises:
        InvalidInstance: It is no such file.
    """
    transfer_syntax = TRANSFER_SYNTAXES[transfer_syntax_uid]
    # PS3.5 7.1: tag and length, or tag, VR, two reserved bytes and length.
    start = len(head) - (8 if transfer_syntax.implicit_vr else 12)
    if start < 0:
        raise InvalidInstance("the pixel data is not where it was")
    group, number = unpack_from(">HH" if transfer_syntax.big_endian else "<HH", head, start)
    vr = "OW" if transfer_syntax.implicit_vr else head[start + 4 : start + 6].decode("latin-1")
    file = read_part10(head[:start])
    return file, image_pixel(file, Element(group << 16 | number, vr, len(head), 0))
