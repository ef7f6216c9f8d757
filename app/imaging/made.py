"""Which transfer syntaxes are made of the stored one, and a frame in one of them: the worker processes make it.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.7.3.html
"""

from app.imaging.pixels import StoredFrames, decoded
from dicom import tasks
from dicom.store.read import InstanceRow
from dicom.transfer_syntaxes import COMPRESSED, EXPLICIT_VR_LITTLE_ENDIAN, MADE, TRANSFER_SYNTAXES


def syntaxes(row: InstanceRow) -> list[str]:
    """Return the transfer syntaxes in which an instance can be given, the stored one first."""
    if TRANSFER_SYNTAXES[row.transfer_syntax_uid].codec == "video":
        return [row.transfer_syntax_uid]
    return list(dict.fromkeys([row.transfer_syntax_uid, *MADE]))


def given(row: InstanceRow, asked: str) -> str:
    """Return the transfer syntax in which an instance is given: without pixels there is nothing to compress."""
    return EXPLICIT_VR_LITTLE_ENDIAN if asked in COMPRESSED and row.number_of_frames is None else asked


async def made_frame(place: StoredFrames, index: int, transfer_syntax_uid: str) -> bytes:
    """Return a frame, counted from 0, in a transfer syntax: as it is stored, if it is that.

    Raises:
        NotAcceptable: it cannot be decoded or written so.
    """
    if transfer_syntax_uid == place.transfer_syntax.uid:
        return await place.stored(index)
    if transfer_syntax_uid not in COMPRESSED:
        return await place.explicit_little_endian(index)
    head, stored = await place.read(0, place.pixel_offset), await place.stored(index)
    args = (head, place.transfer_syntax.uid, stored, transfer_syntax_uid)
    return await decoded(place.hub, tasks.frame_in_transfer_syntax, *args)
