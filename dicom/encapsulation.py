"""Which fragments make a frame: Basic and Extended Offset Table, or the fragments themselves.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_A.4.html
"""

from itertools import pairwise
from struct import error as StructError  # noqa: N812 - the library's own name says nothing
from struct import unpack_from

from dicom.data_set import DataSet, Element
from dicom.failures import DATA_SET_DOES_NOT_MATCH_SOP_CLASS, InvalidInstance
from dicom.transfer_syntaxes import TransferSyntax

EXTENDED_OFFSET_TABLE = 0x7FE00001
EXTENDED_OFFSET_TABLE_LENGTHS = 0x7FE00002

Span = tuple[int, int]
"""(offset, length) in bytes."""

_END_OF_IMAGE = b"\xff\xd9"
"""EOI of JPEG and JPEG-LS, EOC of JPEG 2000 and HTJ2K."""


def frame_spans(
    data: bytes | memoryview,
    data_set: DataSet,
    pixel_data: Element,
    number_of_frames: int,
    transfer_syntax: TransferSyntax,
) -> tuple[tuple[Span, ...], ...]:
    """Return for each frame the spans of `data` that make it up.

    Args:
        data: The instance.
        data_set: Its top-level elements.
        pixel_data: The encapsulated element among them.
        number_of_frames: What (0028,0008) says.
        transfer_syntax: Decides how fragments without a table are divided.

    Raises:
        InvalidInstance: The fragments cannot be divided into so many frames.
    """
    if not pixel_data.fragments:
        raise InvalidInstance("the encapsulated pixel data has no Basic Offset Table item")
    table, *fragments = pixel_data.fragments
    if not fragments:
        raise InvalidInstance("the encapsulated pixel data has no fragment")
    if number_of_frames == 1 or transfer_syntax.codec == "video":
        return (tuple(fragments),)
    if len(fragments) == number_of_frames:
        # Nothing else is possible, so no table needs to be believed.
        return tuple((fragment,) for fragment in fragments)
    starts = _extended_offsets(data, data_set) or _basic_offsets(data, table)
    frames = _by_offsets(fragments, starts, number_of_frames) or _by_end_of_image(data, fragments)
    if len(frames) != number_of_frames:
        raise InvalidInstance(
            f"{len(fragments)} fragments do not make {number_of_frames} frames",
            DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
        )
    return frames


def _extended_offsets(data: bytes | memoryview, data_set: DataSet) -> list[int]:
    table = data_set.get(EXTENDED_OFFSET_TABLE)
    if table is None:
        return []
    return list(unpack_from(f"<{table.length // 8}Q", data, table.offset))


def _basic_offsets(data: bytes | memoryview, table: Span) -> list[int]:
    offset, length = table
    try:
        return list(unpack_from(f"<{length // 4}L", data, offset))
    except StructError:  # pragma: no cover - the scanner has measured the item
        return []


def _by_offsets(fragments: list[Span], starts: list[int], count: int) -> tuple[tuple[Span, ...], ...]:
    """Return the frames a table describes, or nothing when it does not fit the fragments."""
    first = fragments[0][0]
    # A table counts from the first fragment's item tag, eight bytes before its value.
    places = {offset - first: index for index, (offset, _) in enumerate(fragments)}
    if len(starts) != count or starts[0] != 0 or any(start not in places for start in starts):
        return ()
    indices = [places[start] for start in starts] + [len(fragments)]
    if any(later <= sooner for sooner, later in pairwise(indices)):
        return ()
    return tuple(tuple(fragments[a:b]) for a, b in pairwise(indices))


def _by_end_of_image(data: bytes | memoryview, fragments: list[Span]) -> tuple[tuple[Span, ...], ...]:
    """Return the frames as the ends of the code streams divide the fragments."""
    frames: list[tuple[Span, ...]] = []
    frame: list[Span] = []
    for offset, length in fragments:
        frame.append((offset, length))
        # A fragment has even length, so one padding byte may follow the marker.
        if _END_OF_IMAGE in bytes(data[offset + max(0, length - 3) : offset + length]):
            frames.append(tuple(frame))
            frame = []
    if frame:
        frames.append(tuple(frame))
    return tuple(frames)
