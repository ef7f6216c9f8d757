"""What a file of a disc is, by its first bytes; only what says it is DICOM is read on."""

from typing import IO

import orjson

from app.blobs import Incoming
from app.imaging.keep import Received
from app.imaging.media.disc import BROKEN, NOT_DICOM
from app.imaging.media.entries import READ_FAILURES, Entry
from app.imaging.patient import printable

HEAD_BYTES = 132
PIECE_BYTES = 1024 * 1024

_KINDS = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"BM", "a BMP picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "an archive, which is not opened"),
    (b"Rar!", "an archive, which is not opened"),
    (b"7z\xbc\xaf", "an archive, which is not opened"),
    (b"MZ", "a program, which is not run"),
    (b"\x7fELF", "a program, which is not run"),
    (b"#!", "a program, which is not run"),
)
_AUTORUN = ("autorun.inf", "desktop.ini")
_WEB = (b"<!doctype html", b"<html", b"<?xml")


def kind(head: bytes, path: str) -> str:
    """Return in words what a file is that is no DICOM."""
    if not head:
        return "an empty file"
    for start, words in _KINDS:
        if head.startswith(start):
            return words
    if path.rpartition("/")[2].casefold() in _AUTORUN:
        return "tells a computer to run something, which is not done"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_WEB):
        return "a page or XML"
    return "no DICOM file"


def spool(entry: Entry, incoming: Incoming, most: int) -> tuple[str, str] | None:
    """Copy a file to a temporary one; of one that is no DICOM, or cannot be read, return state and reason instead.

    Args:
        entry: The file.
        incoming: Where it goes.
        most: Bytes; a larger one is not read to its end.
    """
    try:
        with entry.open() as file:
            head = file.read(HEAD_BYTES)
            if head[128:] != b"DICM":
                return NOT_DICOM, kind(head, entry.path)
            incoming.write(head)
            problem = _rest(file, incoming, most)
        incoming.finish()
        return problem
    except READ_FAILURES as error:
        # A scratch on the disc, a wrong checksum, a method of compression that nobody uses.
        return BROKEN, f"cannot be read: {str(error)[:200] or type(error).__name__}"


def _rest(file: IO[bytes], incoming: Incoming, most: int) -> tuple[str, str] | None:
    while piece := file.read(PIECE_BYTES):
        if incoming.size + len(piece) > most:
            return BROKEN, "larger than a file, or all of a disc, may be"
        incoming.write(piece)
    return None


def institution_of(found: Received) -> str:
    """Return where an image was made, as it says; an empty text when it does not."""
    told = orjson.loads(found.extracted.columns["model"]).get("00080080", {}).get("Value")
    return printable(str(told[0]))[:200] if told and told[0] is not None else ""
