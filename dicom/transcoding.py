"""An instance, or one frame, in another transfer syntax: in Explicit VR Little Endian every reader must understand it.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.7.3.5.html
"""

import warnings
import zlib
from functools import partial
from io import BytesIO

import numpy as np
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataelem import DataElement
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from dicom.data_set import PIXEL_DATA
from dicom.encoding import encode_frame, photometric_interpretation
from dicom.failures import PROCESSING_FAILURE, InvalidInstance
from dicom.file_meta import file_meta
from dicom.frames import frame, little_endian
from dicom.image_pixel import ImagePixel
from dicom.part10 import Instance, Pixels, read_instance
from dicom.pixel_array import Array, decode_frame
from dicom.transfer_syntaxes import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    JPEG_BASELINE,
    TransferSyntax,
)

MAX_PIXEL_BYTES = 1024 * 1024 * 1024
"""Of all decoded frames together: they are held in memory."""


def explicit_little_endian_frame(image: ImagePixel, transfer_syntax: TransferSyntax, stored: bytes) -> bytes:
    """Return one frame's pixels as Explicit VR Little Endian stores them; decoded colour is RGB by pixel.

    Args:
        image: The numbers of the Image Pixel module.
        transfer_syntax: How `stored` is written.
        stored: What `stored_frame` returned.

    Raises:
        InvalidInstance: The frame cannot be decoded.
    """
    if not transfer_syntax.encapsulated:
        return little_endian(image, stored)
    array = decode_frame(image, transfer_syntax, stored)
    return _allocated(image, array).tobytes()


def compressed_frame(image: ImagePixel, transfer_syntax: TransferSyntax, stored: bytes, target: str) -> bytes:
    """Return one frame's code stream in another compressed transfer syntax.

    Raises:
        InvalidInstance: The frame cannot be decoded, or the syntax holds no such pixels.
    """
    return encode_frame(image, decode_frame(image, transfer_syntax, stored), target)


def to_transfer_syntax(instance: Instance, target: str) -> bytes:
    """Return the instance as a Part 10 file in a transfer syntax that is made of others.

    Args:
        instance: What `read_instance` returned.
        target: One of `dicom.transfer_syntaxes.MADE`; without pixels a compressed one gives Explicit VR Little Endian.

    Raises:
        InvalidInstance: A frame cannot be decoded or compressed, or the whole is too large.
    """
    if target == instance.file.transfer_syntax.uid:
        return bytes(instance.file.data)
    if target == EXPLICIT_VR_LITTLE_ENDIAN:
        return to_explicit_little_endian(instance)
    if instance.file.transfer_syntax.deflated:
        instance = read_instance(to_explicit_little_endian(instance))
    if target == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = deflate.compress(_guarded(instance, EXPLICIT_VR_LITTLE_ENDIAN)) + deflate.flush()
        return file_header(instance, target) + body + b"\0" * (len(body) % 2)
    if instance.pixels is None and target != IMPLICIT_VR_LITTLE_ENDIAN:
        target = EXPLICIT_VR_LITTLE_ENDIAN
    return file_header(instance, target) + _guarded(instance, target)


def to_explicit_little_endian(instance: Instance) -> bytes:
    """Return the instance as a Part 10 file in Explicit VR Little Endian.

    Raises:
        InvalidInstance: A frame cannot be decoded, or the whole is too large.
    """
    file = instance.file
    if file.transfer_syntax.deflated:
        return file_header(instance) + bytes(file.data)
    if file.transfer_syntax.uid == EXPLICIT_VR_LITTLE_ENDIAN:
        return bytes(file.data)
    return file_header(instance) + _guarded(instance, EXPLICIT_VR_LITTLE_ENDIAN)


def _guarded(instance: Instance, target: str) -> bytes:
    """Return the data set in another transfer syntax; whatever hinders it is an InvalidInstance."""
    with warnings.catch_warnings():
        # The reader's opinions about other elements are no reason to refuse the image.
        warnings.simplefilter("ignore")
        try:
            return _rewritten(instance, target)
        except InvalidInstance:
            raise
        except Exception as error:
            # What the reader raises over odd elements is as many-sided as they are.
            raise InvalidInstance("the instance cannot be rewritten", PROCESSING_FAILURE) from error


def file_header(instance: Instance, transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN) -> bytes:
    """Return preamble and File Meta Information of an instance in another transfer syntax (PS3.10 7.1)."""
    return file_meta(instance.sop_class_uid, instance.sop_instance_uid, transfer_syntax_uid)


def _rewritten(instance: Instance, target: str) -> bytes:
    ds = dcmread(BytesIO(bytes(instance.file.data)))
    if instance.file.transfer_syntax.big_endian:
        ds.walk(_swap)
    native = target in (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
    if instance.pixels is not None:
        (_replace_pixels if native else partial(_compress_pixels, target))(ds, instance, instance.pixels)
    out = BytesIO()
    ds.file_meta.TransferSyntaxUID = UID(target)
    implicit = target == IMPLICIT_VR_LITTLE_ENDIAN
    dcmwrite(out, ds, implicit_vr=implicit, little_endian=True, enforce_file_format=True)
    # Only the data set: the header is ours.
    body = out.getvalue()
    group_length = int.from_bytes(body[140:144], "little")
    return body[144 + group_length :]


def _swap(_: Dataset, element: DataElement) -> None:
    """Turn the words of one element; numbers have been read the right way round already."""
    size = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}.get(element.VR)
    if size and element.value and element.tag != PIXEL_DATA:
        element.value = np.frombuffer(element.value, f"u{size}").byteswap().tobytes()


def _replace_pixels(ds: Dataset, instance: Instance, pixels: Pixels) -> None:
    if not (instance.file.transfer_syntax.encapsulated or pixels.image.word_swapped):
        return
    image = pixels.image
    _check_size(image)
    joined = b"".join(
        explicit_little_endian_frame(image, instance.file.transfer_syntax, frame(instance, index))
        for index in range(len(pixels.frames))
    )
    ds.PixelData = joined + b"\0" * (len(joined) % 2)
    ds["PixelData"].VR = "OB" if image.bits_allocated <= 8 else "OW"
    ds["PixelData"].is_undefined_length = False
    _forget_offsets(ds)
    if image.samples_per_pixel > 1 and instance.file.transfer_syntax.encapsulated:
        ds.PhotometricInterpretation = "RGB"
        ds.PlanarConfiguration = 0


def _check_size(image: ImagePixel) -> None:
    samples = image.rows * image.columns * image.samples_per_pixel
    if samples * image.number_of_frames * image.bits_allocated // 8 > MAX_PIXEL_BYTES:
        raise InvalidInstance(f"the pixel data is larger than {MAX_PIXEL_BYTES} bytes", PROCESSING_FAILURE)


def _forget_offsets(ds: Dataset) -> None:
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in ds:
            del ds[keyword]


def _compress_pixels(target: str, ds: Dataset, instance: Instance, pixels: Pixels) -> None:
    """Put a code stream for each frame into the data set, and say what has become of the pixels."""
    image = pixels.image
    _check_size(image)
    transfer_syntax = instance.file.transfer_syntax
    streams = [
        compressed_frame(image, transfer_syntax, frame(instance, index), target) for index in range(len(pixels.frames))
    ]
    ds.PixelData = encapsulate(streams)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    _forget_offsets(ds)
    ds.PhotometricInterpretation = photometric_interpretation(image, target)
    if image.samples_per_pixel > 1:
        ds.PlanarConfiguration = 0
    if target == JPEG_BASELINE:
        whole = image.frame_bits * image.number_of_frames // 8
        ds.LossyImageCompression = "01"
        ds.LossyImageCompressionMethod = "ISO_10918_1"
        ds.LossyImageCompressionRatio = round(max(1.0, whole / max(1, sum(map(len, streams)))), 2)


def _allocated(image: ImagePixel, array: Array) -> Array:
    """Return an array in words of Bits Allocated: decoders give the smallest that fits."""
    if image.bits_allocated == 1:
        return np.packbits(array.astype(bool).ravel(), bitorder="little")
    kind = "i" if array.dtype.kind == "i" else "u"
    return array.astype(f"<{kind}{image.bits_allocated // 8}")
