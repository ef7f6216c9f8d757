"""A Part 10 file read without copying its pixels: identity, transfer syntax, and where everything lies.

https://dicom.nema.org/medical/dicom/current/output/chtml/part10/chapter_7.html
"""

import zlib
from dataclasses import dataclass, field

from dicom import data_set as scanning
from dicom.data_set import DataSet, Element, Scanner
from dicom.encapsulation import frame_spans
from dicom.failures import DATA_SET_DOES_NOT_MATCH_SOP_CLASS, PROCESSING_FAILURE, InvalidInstance
from dicom.frame_table import EncapsulatedFrames, FrameTable, NativeFrames
from dicom.image_pixel import ImagePixel, check, check_length
from dicom.transfer_syntaxes import TRANSFER_SYNTAXES, TransferSyntax
from dicom.values import character_set, is_uid, text, whole_number

MAX_INFLATED_BYTES = 512 * 1024 * 1024
"""What a deflated data set may become: a kilobyte of deflate can hold a megabyte of nothing."""
MAX_INFLATED_TIMES = 100
SMALL_INFLATED_BYTES = 32 * 1024 * 1024
"""More than this it may become only if it is no more than a hundred times what was sent: images shrink to a third."""

STRUCTURED_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
"""The beginning of their SOP Classes, Key Object Selections among them: what they say is in their elements."""
MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002
MEDIA_STORAGE_SOP_INSTANCE_UID = 0x00020003
TRANSFER_SYNTAX_UID = 0x00020010
SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
STUDY_INSTANCE_UID = 0x0020000D
SERIES_INSTANCE_UID = 0x0020000E
_PIXEL_TAGS = (0x7FE00010, 0x7FE00008, 0x7FE00009)
"""Pixel Data, Float Pixel Data, Double Float Pixel Data: at most one is there."""
_ENCODINGS = {
    (True, False): scanning.IMPLICIT_LITTLE,
    (False, False): scanning.EXPLICIT_LITTLE,
    (False, True): scanning.EXPLICIT_BIG,
}


@dataclass(frozen=True, slots=True)
class Part10:
    """A file of the format, whatever it holds; every offset in it counts from the start of `data`."""

    data: bytes | memoryview = field(repr=False)
    """The bytes as received; of a deflated data set, what they inflate to."""
    as_received: bool
    """Whether `data` is what was received, so that its offsets hold for the stored file."""
    file_meta: DataSet = field(repr=False)
    data_set: DataSet = field(repr=False)
    transfer_syntax: TransferSyntax
    codecs: tuple[str, ...]
    """The Python codecs of its Specific Character Set."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """The pixel data of an instance."""

    element: Element
    image: ImagePixel
    frames: FrameTable


@dataclass(frozen=True, slots=True)
class Instance:
    """A composite SOP instance."""

    file: Part10
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    pixels: Pixels | None


def read_instance(data: bytes | memoryview) -> Instance:
    """Read the header of a composite instance, check it, and find its frames.

    Args:
        data: The whole Part 10 file; a memory map's view will do, pixels are not touched.

    Raises:
        InvalidInstance: The file is cut short, contradicts itself, exceeds a limit, or lacks an identifier.
    """
    file = read_part10(data)
    sop_class, instance, study, series = _uids(file)
    return Instance(file, sop_class, instance, study, series, _pixels(file))


def read_part10(data: bytes | memoryview) -> Part10:
    """Read the header of any Part 10 file: of a DICOMDIR too, which has no study.

    Raises:
        InvalidInstance: The file is cut short, exceeds a limit, or is written in an unknown way.
    """
    file_meta, start = _file_meta(data)
    transfer_syntax = _transfer_syntax(data, file_meta)
    body = _inflate(data, start) if transfer_syntax.deflated else data
    position = 0 if transfer_syntax.deflated else start
    encoding = _ENCODINGS[transfer_syntax.implicit_vr, transfer_syntax.big_endian]
    refers = text(data, file_meta, MEDIA_STORAGE_SOP_CLASS_UID).startswith(STRUCTURED_REPORTS)
    most_elements = scanning.MAX_REFERRING_ELEMENTS if refers else scanning.MAX_ELEMENTS
    data_set, _ = Scanner(body, most_elements).data_set(position, len(body), encoding)
    codecs = character_set(body, data_set)
    return Part10(body, not transfer_syntax.deflated, file_meta, data_set, transfer_syntax, codecs)


def media_storage_uids(data: bytes | memoryview) -> tuple[str, str]:
    """Return SOP Class and Instance UID as the File Meta Information has them; empty ones when it cannot be read."""
    try:
        file_meta, _ = _file_meta(data)
    except InvalidInstance:
        return "", ""
    found = [text(data, file_meta, tag) for tag in (MEDIA_STORAGE_SOP_CLASS_UID, MEDIA_STORAGE_SOP_INSTANCE_UID)]
    return found[0] if is_uid(found[0]) else "", found[1] if is_uid(found[1]) else ""


def _file_meta(data: bytes | memoryview) -> tuple[DataSet, int]:
    """Return the File Meta Information and where the data set starts (PS3.10 7.1)."""
    if bytes(data[128:132]) != b"DICM":
        raise InvalidInstance("not a DICOM Part 10 file: the prefix DICM is missing")
    # The group length is often wrong and never needed: the group ends where another begins.
    scanner = Scanner(data)
    found: DataSet = {}
    position = 132
    while position + 8 <= len(data) and data[position] == 2 and data[position + 1] == 0:
        length = meta_element_bytes(data, position)
        element, position = scanner.data_set(position, min(position + length, len(data)), scanning.EXPLICIT_LITTLE)
        found |= element
    return found, position


def meta_element_bytes(data: bytes | memoryview, position: int) -> int:
    """Return how many bytes the element at `position` of the File Meta Information takes."""
    if bytes(data[position + 4 : position + 6]) in (b"OB", b"UN", b"UT", b"SQ"):
        return 12 + int.from_bytes(data[position + 8 : position + 12], "little")
    return 8 + int.from_bytes(data[position + 6 : position + 8], "little")


def _transfer_syntax(data: bytes | memoryview, file_meta: DataSet) -> TransferSyntax:
    uid = text(data, file_meta, TRANSFER_SYNTAX_UID)
    if not uid:
        raise InvalidInstance("the File Meta Information names no Transfer Syntax")
    if uid not in TRANSFER_SYNTAXES:
        # PS3.7 C: 0122 is "SOP class not supported"; STOW has no code of its own for a syntax.
        raise InvalidInstance("the Transfer Syntax is not supported", PROCESSING_FAILURE)
    return TRANSFER_SYNTAXES[uid]


def _inflate(data: bytes | memoryview, start: int) -> bytes:
    """Return the inflated data set (PS3.5 A.5)."""
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    most = min(MAX_INFLATED_BYTES, max(SMALL_INFLATED_BYTES, (len(data) - start) * MAX_INFLATED_TIMES))
    try:
        body = inflater.decompress(data[start:], most)
    except zlib.error as error:
        raise InvalidInstance("the deflated data set is damaged") from error
    if inflater.unconsumed_tail:
        raise InvalidInstance("the deflated data set is too large")
    if not inflater.eof:
        raise InvalidInstance("the deflated data set is cut short")
    return body


def _uids(file: Part10) -> list[str]:
    """Return SOP Class, SOP Instance, Study Instance and Series Instance UID."""
    found = []
    for tag, name in (
        (SOP_CLASS_UID, "SOP Class UID"),
        (SOP_INSTANCE_UID, "SOP Instance UID"),
        (STUDY_INSTANCE_UID, "Study Instance UID"),
        (SERIES_INSTANCE_UID, "Series Instance UID"),
    ):
        uid = text(file.data, file.data_set, tag)
        if not is_uid(uid):
            problem = "is no UID" if uid else "is missing"
            raise InvalidInstance(f"the {name} {problem}", DATA_SET_DOES_NOT_MATCH_SOP_CLASS)
        found.append(uid)
    return found


def _pixels(file: Part10) -> Pixels | None:
    element = next((file.data_set[tag] for tag in _PIXEL_TAGS if tag in file.data_set), None)
    if element is None or not element.length:
        return None
    image = image_pixel(file, element)
    check(image)
    if element.fragments is None:
        if file.transfer_syntax.encapsulated:
            raise InvalidInstance("the pixel data of a compressed Transfer Syntax is not encapsulated")
        image = image.of_length(element.length)
        check_length(image, element.length)
        frame_bits = image.frame_bits
        if image.word_swapped and image.number_of_frames == 1:
            # The last pixel of an odd frame stands after its padding.
            frame_bits = element.length * 8
        return Pixels(element, image, NativeFrames(element.offset, frame_bits, image.number_of_frames))
    if not file.transfer_syntax.encapsulated:
        raise InvalidInstance("the pixel data of a native Transfer Syntax is encapsulated")
    spans = frame_spans(file.data, file.data_set, element, image.number_of_frames, file.transfer_syntax)
    return Pixels(element, image, EncapsulatedFrames(spans))


def image_pixel(file: Part10, element: Element) -> ImagePixel:
    """Return the numbers of a file's Image Pixel module.

    Args:
        file: The file.
        element: Its pixel data, of which tag and VR are asked.
    """
    big_endian = file.transfer_syntax.big_endian

    def number(tag: int, default: int = 0) -> int:
        found = whole_number(file.data, file.data_set, tag, big_endian=big_endian)
        return default if found is None else found

    bits_allocated = number(0x00280100)
    return ImagePixel(
        rows=number(0x00280010),
        columns=number(0x00280011),
        samples_per_pixel=number(0x00280002, 1),
        bits_allocated=bits_allocated,
        bits_stored=number(0x00280101, bits_allocated),
        pixel_representation=number(0x00280103),
        planar_configuration=number(0x00280006),
        photometric_interpretation=text(file.data, file.data_set, 0x00280004),
        number_of_frames=number(0x00280008, 1),
        floating_point=element.tag != scanning.PIXEL_DATA,
        word_swapped=big_endian and (element.vr == "OW" or bits_allocated > 8),
    )
