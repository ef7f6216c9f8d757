"""The tables in files as they were downloaded: text, workbooks, and archives of both; nothing is unpacked to disk."""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from app.terminology.text import text_rows
from app.terminology.workbook import sheets
from fhir.terminology.masters.table import Row, Table, UnknownLayout

FILE_BYTES = 500_000_000
"""The largest file."""
MEMBER_BYTES = 1_000_000_000
"""The most bytes of a part of an archive once it is inflated."""
WORKBOOK_BYTES = 200_000_000
"""The largest workbook within an archive: it is held in memory."""
MEMBERS = 10_000
"""The most parts of an archive."""

BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, ValueError)
"""What reading a damaged archive fails with."""

_TEXTS = (".csv", ".txt", ".tsv")
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


class _Bounded(io.RawIOBase):
    """A part of an archive that fails where the bound is passed: a small archive may inflate to anything."""

    def __init__(self, inner: IO[bytes], place: str) -> None:
        self._inner = inner
        self._place = place
        self._left = MEMBER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            found = self._inner.read(len(buffer))
        except BROKEN as error:
            raise UnknownLayout(f"{self._place}: it cannot be unpacked: {error}") from error
        self._left -= len(found)
        if self._left < 0:
            raise UnknownLayout(f"{self._place}: it inflates to more than {MEMBER_BYTES} bytes")
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        self._inner.close()
        super().close()


def tables(paths: Sequence[Path]) -> list[Table]:
    """Return the tables of files; their rows are read when they are asked for, and once only.

    Raises:
        UnknownLayout: a file is none that tables are read from.
        OSError: a file cannot be read.
    """
    return [table for path in paths for table in _of_file(path)]


def _of_file(path: Path) -> Iterator[Table]:
    if path.stat().st_size > FILE_BYTES:
        raise UnknownLayout(f"{path.name}: it is larger than {FILE_BYTES} bytes")
    with path.open("rb") as stream:
        begin = stream.read(4)
    if begin == _OLD_EXCEL:
        raise UnknownLayout(f"{path.name}: this is a workbook of an old Excel; save it as .xlsx or .csv")
    if begin == _ZIP:
        yield from _of_archive(path, path.name)
    else:
        yield Table(path.name, path.name, text_rows(lambda: path.open("rb"), path.name))


def _of_archive(file: Path | IO[bytes], place: str) -> Iterator[Table]:
    """Yield the tables of an archive, or of a workbook, which is one too."""
    try:
        # Names are in Shift_JIS where the archive does not say otherwise.
        archive = zipfile.ZipFile(file, metadata_encoding="cp932")
    except BROKEN as error:
        raise UnknownLayout(f"{place}: the archive cannot be read: {error}") from error
    if len(archive.infolist()) > MEMBERS:
        raise UnknownLayout(f"{place}: the archive has more than {MEMBERS} parts")
    if "xl/workbook.xml" in archive.NameToInfo:
        yield from (Table(f"{place}: {name}", name.strip(), rows) for name, rows in _sheets(archive, place))
        return
    for member in archive.infolist():
        name = PurePosixPath(member.filename.replace("\\", "/")).name
        where = f"{place}: {member.filename}"
        if name.lower().endswith(_TEXTS):
            yield Table(where, name, text_rows(partial(_open, archive, where, member.filename), where))
        elif name.lower().endswith(".xlsx"):
            if member.file_size > WORKBOOK_BYTES:
                raise UnknownLayout(f"{where}: it is larger than {WORKBOOK_BYTES} bytes")
            with _open(archive, where, member.filename) as stream:
                yield from _of_archive(io.BytesIO(stream.read(WORKBOOK_BYTES)), where)


def _sheets(archive: zipfile.ZipFile, place: str) -> list[tuple[str, Iterator[Row]]]:
    return sheets(partial(_open, archive, place), place)


def _open(archive: zipfile.ZipFile, place: str, name: str) -> IO[bytes]:
    """Open a part of an archive.

    Raises:
        KeyError: there is none of that name.
        UnknownLayout: it is encrypted or damaged.
    """
    member = archive.getinfo(name)
    if member.flag_bits & 1:
        raise UnknownLayout(f"{place}: it is encrypted")
    try:
        inner = archive.open(member)
    except BROKEN as error:
        raise UnknownLayout(f"{place}: it cannot be unpacked: {error}") from error
    return io.BufferedReader(_Bounded(inner, place))
