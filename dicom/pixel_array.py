"""One frame as an array: native pixels, and the compressed ones that DICOM allows.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_8.2.html
"""

import sys
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from dicom import code_stream
from dicom.failures import DATA_SET_DOES_NOT_MATCH_SOP_CLASS, PROCESSING_FAILURE, InvalidInstance
from dicom.frames import little_endian
from dicom.image_pixel import ImagePixel
from dicom.transfer_syntaxes import TransferSyntax

MAX_FRAME_BYTES = 512 * 1024 * 1024
"""Of one decoded frame: a mammogram has 50 MB, a tile of a slide 1 MB."""

Array = NDArray[Any]


def decode_frame(image: ImagePixel, transfer_syntax: TransferSyntax, stored: bytes) -> Array:
    """Return a frame as an array of (rows, columns) or, in RGB, (rows, columns, samples).

    Args:
        image: The numbers of the Image Pixel module.
        transfer_syntax: How `stored` is written.
        stored: What `stored_frame` returned.

    Returns:
        Stored values with their sign; bits above Bits Stored are cleared. Colour is RGB whatever
        the photometric interpretation; palette indices stay indices.

    Raises:
        InvalidInstance: The frame is too large, cannot be decoded, or is not what the header says.
    """
    bytes_allocated = max(1, image.bits_allocated // 8)
    if image.rows * image.columns * image.samples_per_pixel * bytes_allocated > MAX_FRAME_BYTES:
        raise InvalidInstance(f"a frame is larger than {MAX_FRAME_BYTES} bytes", PROCESSING_FAILURE)
    if transfer_syntax.codec is None:
        array = _native(image, stored)
    else:
        array = _compressed(image, transfer_syntax.codec, stored)
    expected = (image.rows, image.columns) + ((image.samples_per_pixel,) if image.samples_per_pixel > 1 else ())
    if array.shape != expected:
        raise _contradiction("size")
    if image.floating_point or image.samples_per_pixel > 1:
        return array
    return _signed(image, array)


def _contradiction(what: str) -> InvalidInstance:
    reason = f"a frame has another {what} than the header says"
    return InvalidInstance(reason, DATA_SET_DOES_NOT_MATCH_SOP_CLASS)


def _native(image: ImagePixel, stored: bytes) -> Array:
    if len(stored) * 8 < image.frame_bits:
        raise InvalidInstance("a frame is cut short", DATA_SET_DOES_NOT_MATCH_SOP_CLASS)
    count = image.rows * image.columns
    if image.bits_allocated == 1:
        return np.unpackbits(np.frombuffer(stored, np.uint8), count=count, bitorder="little").reshape(
            image.rows, image.columns
        )
    flat: Array = np.frombuffer(little_endian(image, stored), _dtype(image))
    if image.samples_per_pixel == 1:
        return flat[:count].reshape(image.rows, image.columns)
    if image.photometric_interpretation == "YBR_FULL_422" and len(stored) * 8 < image.whole_triplets_bits:
        return _rgb(_upsampled(image, flat))
    shape = (image.samples_per_pixel, image.rows, image.columns)
    flat = flat[: count * image.samples_per_pixel]
    array = (
        np.moveaxis(flat.reshape(shape), 0, -1) if image.planar_configuration else flat.reshape(*shape[1:], shape[0])
    )
    return _coloured(image, array)


def _dtype(image: ImagePixel) -> np.dtype[Any]:
    kind = "f" if image.floating_point else "u"
    if image.bits_allocated not in (8, 16, 32, 64):
        raise InvalidInstance(f"{image.bits_allocated} bits allocated cannot be shown", PROCESSING_FAILURE)
    return np.dtype(f"<{kind}{image.bits_allocated // 8}")


def _upsampled(image: ImagePixel, flat: Array) -> Array:
    """Return the full triplets of Y1 Y2 Cb Cr (PS3.3 C.7.6.3.1.2)."""
    if image.columns % 2:
        # The standard has none of these, and writers who make them do not agree on how.
        raise InvalidInstance("pixels that share their colour in pairs have even columns", PROCESSING_FAILURE)
    pairs = flat[: image.rows * image.columns * 2].reshape(-1, 4)
    array = np.empty((len(pairs) * 2, 3), flat.dtype)
    array[0::2, 0], array[1::2, 0] = pairs[:, 0], pairs[:, 1]
    array[:, 1:] = np.repeat(pairs[:, 2:], 2, axis=0)
    return array.reshape(image.rows, image.columns, 3)


def _rgb(array: Array) -> Array:
    """Return YBR_FULL pixels as RGB (PS3.3 C.7.6.3.1.2)."""
    if array.dtype != np.uint8:
        raise InvalidInstance("YBR pixels of more than eight bits cannot be shown", PROCESSING_FAILURE)
    y, cb, cr = (array[..., n].astype(np.float32) for n in range(3))
    cb, cr = cb - 128, cr - 128
    red, green, blue = y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb
    rgb = np.rint(np.stack((red, green, blue), axis=-1))
    return np.asarray(np.clip(rgb, 0, 255).astype(np.uint8))


def _compressed(image: ImagePixel, codec: str, stored: bytes) -> Array:
    if codec not in _DECODERS:
        raise InvalidInstance("frames of this Transfer Syntax cannot be decoded", PROCESSING_FAILURE)
    claimed = code_stream.size(stored)
    if codec != "rle" and claimed != (image.rows, image.columns):
        raise _contradiction("size")
    try:
        return np.asarray(_DECODERS[codec](image, stored))
    except (RuntimeError, ValueError, TypeError, IndexError, MemoryError) as error:
        # imagecodecs' failures are RuntimeErrors; the others come of impossible shapes.
        raise InvalidInstance("a frame cannot be decoded", PROCESSING_FAILURE) from error


def _jpeg(image: ImagePixel, stored: bytes) -> Array:
    if image.samples_per_pixel == 1:
        return np.asarray(imagecodecs.jpeg8_decode(stored))
    # Where the stream says it, headers have been wrong; without either, a stream without an Adobe marker is YCbCr.
    stated = "RGB" if image.photometric_interpretation == "RGB" else "YCBCR"
    colours = code_stream.colours(stored) or stated
    return np.asarray(imagecodecs.jpeg8_decode(stored, colorspace=colours, outcolorspace="RGB"))


def _rle(image: ImagePixel, stored: bytes) -> Array:
    """Return a frame of byte planes, the high one first, each sample apart (PS3.5 G)."""
    if image.bits_allocated not in (8, 16, 32):
        raise InvalidInstance("RLE frames have whole bytes", PROCESSING_FAILURE)
    count = image.rows * image.columns
    size = image.bits_allocated // 8
    number, *offsets = np.frombuffer(stored[:64], "<u4").tolist()
    if number != image.samples_per_pixel * size:
        raise InvalidInstance("the RLE header counts other segments", DATA_SET_DOES_NOT_MATCH_SOP_CLASS)
    ends = [*offsets[1:number], len(stored)]
    planes = np.empty((number, count), np.uint8)
    for index, (start, end) in enumerate(zip(offsets, ends, strict=False)):
        plane = imagecodecs.packbits_decode(stored[start:end], out=count)
        planes[index] = np.frombuffer(plane, np.uint8, count)
    words = planes.reshape(image.samples_per_pixel, size, count)[:, ::-1, :]
    samples = np.ascontiguousarray(np.moveaxis(words, 1, 2)).view(f"<u{size}").reshape(-1, image.rows, image.columns)
    if image.samples_per_pixel == 1:
        return np.asarray(samples[0])
    return _coloured(image, np.moveaxis(samples, 0, -1))


def _coloured(image: ImagePixel, array: Array) -> Array:
    """Return whole triplets as RGB; a code stream that keeps all of them may still call itself 4:2:2."""
    return _rgb(array) if image.photometric_interpretation in ("YBR_FULL", "YBR_FULL_422") else array


def _plain(decode: Callable[[bytes], Array]) -> Callable[[ImagePixel, bytes], Array]:
    """Return a decoder whose colour is as the photometric interpretation says."""

    def decoder(image: ImagePixel, stored: bytes) -> Array:
        return _coloured(image, np.asarray(decode(stored)))

    return decoder


def _htj2k(stored: bytes) -> Array:
    """Return what a stream holds; what fails amid it must not leave behind what lay in memory before."""
    failures: list[object] = []
    hook = sys.unraisablehook
    # The decoder's wrapper tells of a failure between lines by this alone, and returns as if there had been none.
    sys.unraisablehook = failures.append
    try:
        array = np.asarray(imagecodecs.htj2k_decode(stored))
    finally:
        sys.unraisablehook = hook
    if failures:
        raise ValueError("the code stream is damaged")
    return array


_DECODERS: dict[str, Callable[[ImagePixel, bytes], Array]] = {
    "jpeg": _jpeg,
    "ljpeg": _plain(imagecodecs.jpegsof3_decode),
    "jpegls": _plain(imagecodecs.jpegls_decode),
    "jpeg2k": _plain(imagecodecs.jpeg2k_decode),
    "htj2k": _plain(_htj2k),
    "rle": _rle,
}


def _signed(image: ImagePixel, array: Array) -> Array:
    """Return stored values with the sign that Pixel Representation gives them (PS3.3 C.7.6.3.1.5).

    The code stream's own sign is not asked: writers have been wrong about it, the header counts.
    """
    if array.dtype.kind == "f":
        raise _contradiction("type")
    unsigned = array.view(f"u{array.dtype.itemsize}")
    bits = min(image.bits_stored, unsigned.dtype.itemsize * 8)
    if bits < unsigned.dtype.itemsize * 8:
        unsigned = unsigned & unsigned.dtype.type((1 << bits) - 1)
    if image.pixel_representation != 1:
        return unsigned
    sign = unsigned.dtype.type(1 << (bits - 1))
    return np.asarray(((unsigned ^ sign) - sign).view(f"i{unsigned.dtype.itemsize}"))
