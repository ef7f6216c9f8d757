"""One frame compressed: the transfer syntaxes that the hub makes of others.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_8.2.html
"""

import struct
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np

from dicom.failures import PROCESSING_FAILURE, InvalidInstance
from dicom.image_pixel import ImagePixel
from dicom.pixel_array import Array
from dicom.transfer_syntaxes import (
    HTJ2K_LOSSLESS,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    JPEG_LS_LOSSLESS,
    RLE_LOSSLESS,
)

BASELINE_QUALITY = 95
"""Of the one lossy syntax among them."""


def photometric_interpretation(image: ImagePixel, transfer_syntax_uid: str) -> str:
    """Return how the colours of compressed frames are meant; those of grey ones stay as they were."""
    if image.samples_per_pixel == 1:
        return image.photometric_interpretation
    return {JPEG_BASELINE: "YBR_FULL_422", HTJ2K_LOSSLESS: "YBR_RCT"}.get(transfer_syntax_uid, "RGB")


def encode_frame(image: ImagePixel, array: Array, transfer_syntax_uid: str) -> bytes:
    """Return a frame's code stream, of even length.

    Args:
        image: The numbers of the Image Pixel module.
        array: What `dicom.pixel_array.decode_frame` returned.
        transfer_syntax_uid: One of COMPRESSED.

    Raises:
        InvalidInstance: The syntax holds no such pixels.
    """
    is_lossy = transfer_syntax_uid == JPEG_BASELINE
    if image.floating_point or image.bits_allocated not in (8, 16) or (is_lossy and image.bits_allocated > 8):
        reason = f"pixels of {image.bits_allocated} bits cannot be written in this Transfer Syntax"
        raise InvalidInstance(reason, PROCESSING_FAILURE)
    if is_lossy and (image.pixel_representation == 1 or image.photometric_interpretation == "PALETTE COLOR"):
        # What is a little off would be the other end of the range, or another colour (PS3.5 table 8.2.1-1).
        raise InvalidInstance(
            "signed pixels and palettes are not written in a lossy Transfer Syntax", PROCESSING_FAILURE
        )
    kind = "i" if array.dtype.kind == "i" else "u"
    words = np.ascontiguousarray(array.astype(f"{kind}{image.bits_allocated // 8}"))
    try:
        stream = bytes(_ENCODERS[transfer_syntax_uid](image, words))
    except (RuntimeError, ValueError, TypeError) as error:
        raise InvalidInstance("a frame cannot be written in this Transfer Syntax", PROCESSING_FAILURE) from error
    return stream + b"\0" * (len(stream) % 2)


def _unsigned(image: ImagePixel, words: Array) -> Array:
    """Return the bits that are stored: these code streams know no sign (PS3.5 8.2.1)."""
    bits = words.view(f"u{words.itemsize}")
    return np.asarray(bits & bits.dtype.type((1 << image.bits_stored) - 1))


def _baseline(image: ImagePixel, words: Array) -> Any:
    pixels = _unsigned(image, words)
    if image.samples_per_pixel == 1:
        return imagecodecs.jpeg8_encode(pixels, level=BASELINE_QUALITY)
    return imagecodecs.jpeg8_encode(
        pixels, level=BASELINE_QUALITY, colorspace="RGB", outcolorspace="YCBCR", subsampling="422"
    )


def _lossless(image: ImagePixel, words: Array) -> Any:
    grey = image.samples_per_pixel == 1
    colours = None if grey else "RGB"
    return imagecodecs.jpeg8_encode(
        _unsigned(image, words),
        lossless=True,
        predictor=1,
        bitspersample=max(8, image.bits_stored if grey else image.bits_allocated),
        colorspace=colours,
        outcolorspace=colours,
    )


def _jpeg_ls(image: ImagePixel, words: Array) -> Any:
    # Noise may grow: the room that is made for the stream has to be more than the pixels.
    return imagecodecs.jpegls_encode(_unsigned(image, words), out=words.nbytes * 2 + 4096)


def _jpeg_2000(_: ImagePixel, words: Array) -> Any:
    return imagecodecs.jpeg2k_encode(words, codecformat="j2k", reversible=True, level=0, mct=False)


def _htj2k(_: ImagePixel, words: Array) -> Any:
    return imagecodecs.htj2k_encode(words, reversible=True)


def _rle(image: ImagePixel, words: Array) -> bytes:
    """Return byte planes, the high one first, each sample apart, each row by itself (PS3.5 G)."""
    size = words.itemsize
    samples = words.reshape(image.rows, image.columns, image.samples_per_pixel)
    octets = np.ascontiguousarray(samples).view(np.uint8).reshape(*samples.shape, size)
    segments: list[bytes] = []
    for sample in range(image.samples_per_pixel):
        for place in reversed(range(size)):
            plane = np.ascontiguousarray(octets[:, :, sample, place])
            packed = bytes(imagecodecs.packbits_encode(plane, axis=-1))
            segments.append(packed + b"\0" * (len(packed) % 2))
    starts, place = [0] * 15, 64
    for number, segment in enumerate(segments):
        starts[number] = place
        place += len(segment)
    return struct.pack("<16L", len(segments), *starts) + b"".join(segments)


_ENCODERS: dict[str, Callable[[ImagePixel, Array], Any]] = {
    RLE_LOSSLESS: _rle,
    JPEG_LOSSLESS: _lossless,
    JPEG_LS_LOSSLESS: _jpeg_ls,
    JPEG_2000_LOSSLESS: _jpeg_2000,
    HTJ2K_LOSSLESS: _htj2k,
    JPEG_BASELINE: _baseline,
}
