"""What a DICOMDIR lists, read record by record in the order in which they are written.

The offsets by which records refer to each other are not followed: writers get them wrong, and the files themselves say
whose they are. So a DICOMDIR whose offsets are missing or in disorder is read like any other.
https://dicom.nema.org/medical/dicom/current/output/chtml/part03/chapter_F.html
"""

from dataclasses import dataclass

from dicom.data_set import DataSet
from dicom.failures import InvalidInstance
from dicom.part10 import Part10, read_part10
from dicom.values import text, whole_number

MAX_DIRECTORY_BYTES = 64 * 1024 * 1024
"""Of a DICOMDIR: a hundred thousand records with icons take less."""

NAME = "DICOMDIR"

_RECORDS = 0x00041220
_IN_USE = 0x00041410
_TYPE = 0x00041430
_FILE_ID = 0x00041500
_SOP_INSTANCE_UID = 0x00041511


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that a DICOMDIR lists."""

    path: str
    """Its File ID below the DICOMDIR's folder, with `/` between the components, as written."""
    record_type: str
    sop_instance_uid: str
    """Empty when it is not told."""


def listed_files(data: bytes) -> list[Listed]:
    """Return the files that a DICOMDIR lists, in the order of its records; each once.

    Args:
        data: The DICOMDIR.

    Raises:
        InvalidInstance: It is no DICOMDIR, or is cut short.
    """
    if len(data) > MAX_DIRECTORY_BYTES:
        raise InvalidInstance(f"the DICOMDIR has more than {MAX_DIRECTORY_BYTES} bytes")
    file = read_part10(data)
    records = file.data_set.get(_RECORDS)
    if records is None:
        raise InvalidInstance("the file has no Directory Record Sequence")
    found: dict[str, Listed] = {}
    for item in records.items or ():
        path = text(file.data, item, _FILE_ID)
        if path and _is_in_use(file, item):
            joined = "/".join(part.strip(" \0") for part in path.split("\\"))
            kind, uid = text(file.data, item, _TYPE), text(file.data, item, _SOP_INSTANCE_UID)
            found.setdefault(joined, Listed(joined, kind[:16], uid[:64]))
    return list(found.values())


def _is_in_use(file: Part10, item: DataSet) -> bool:
    flag = whole_number(file.data, item, _IN_USE, big_endian=file.transfer_syntax.big_endian)
    return flag != 0


def comparable(path: str) -> str:
    """Return a path as paths of a disc are compared.

    ISO 9660 has capitals, a version `;1` and perhaps a dot at the end, of which systems that mount it take away some.
    """
    parts = []
    for part in path.replace("\\", "/").split("/"):
        name, _, version = part.rpartition(";")
        parts.append((name if name and version.isdigit() else part).rstrip(".").casefold())
    return "/".join(part for part in parts if part)
