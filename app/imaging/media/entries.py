"""The files of a disc: of a folder, or of a ZIP; found within bounds, opened one at a time, never run, never written.

A link is not followed, and what lies outside is not reached: names only name, in reports.
https://profiles.ihe.net/RAD (PDI); ISO 9660 and Joliet names come as the system that mounts the disc gives them.
"""

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MOST_FILES = 50_000
"""Of a disc; a DVD of thin slices has ten thousand."""
DEEPEST = 16
"""Folders inside folders."""
MOST_DIRECTORY_BYTES = 20_000_000
"""Of a ZIP's central directory, which is held in memory."""
LONGEST_PATH = 500
"""Characters of a path that are kept in the report."""

UNREADABLE_FOLDER = "a folder that cannot be read"
UNREADABLE_FILE = "a file that cannot be read"


class Unreadable(Exception):
    """It is no disc that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a disc."""

    path: str
    """Below the root, with `/` between its parts."""
    size: int
    """Bytes, as the disc says."""
    open: Callable[[], IO[bytes]]
    """Opens it for reading."""
    problem: str = ""
    """Why it is not opened; empty when it is."""
    is_broken: bool = False
    """Whether that is for want of the disc, which nobody can read there."""


READ_FAILURES = (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError)
"""What reading an entry may raise: a scratched disc, a damaged or odd ZIP."""


def _closed() -> IO[bytes]:
    raise OSError("this file is not opened")


def entries_of(place: Path) -> Iterator[Entry]:
    """Yield the files of a folder, or of a ZIP, in an order that stays the same.

    Raises:
        Unreadable: it is neither, or has too many files.
    """
    found = _of_folder(place, "", 0) if place.is_dir() else _of_zip(place)
    for count, entry in enumerate(found):
        if count >= MOST_FILES:
            raise Unreadable(f"there are more than {MOST_FILES} files")
        yield entry


def shown(path: str) -> str:
    """Return a path as reports show it: as text without control characters, and not too long."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(one if one.isprintable() else "\ufffd" for one in text)[:LONGEST_PATH]


def _of_folder(folder: Path, above: str, depth: int) -> Iterator[Entry]:
    try:
        with os.scandir(folder) as found:
            inside = sorted(found, key=lambda one: one.name)
    except OSError as error:
        # A scratch: whatever lies elsewhere is read.
        if not above:
            raise Unreadable(UNREADABLE_FOLDER) from error
        yield Entry(above.removesuffix("/"), 0, _closed, UNREADABLE_FOLDER, is_broken=True)
        return
    for one in inside:
        entry = _entry(one, f"{above}{one.name}", depth)
        if entry is None:
            yield from _of_folder(Path(one.path), f"{above}{one.name}/", depth + 1)
        else:
            yield entry


def _entry(one: os.DirEntry[str], path: str, depth: int) -> Entry | None:
    """Return what is in a folder; None for a folder whose files are looked for."""
    try:
        if one.is_symlink():
            return Entry(path, 0, _closed, "a link, which is not followed")
        if one.is_dir(follow_symlinks=False):
            is_deep = depth >= DEEPEST
            return Entry(path, 0, _closed, f"folders are nested deeper than {DEEPEST}") if is_deep else None
        if one.is_file(follow_symlinks=False):
            return Entry(path, one.stat(follow_symlinks=False).st_size, _opener(one.path))
    except OSError:
        return Entry(path, 0, _closed, UNREADABLE_FILE, is_broken=True)
    return Entry(path, 0, _closed, "no file")


def _opener(path: str) -> Callable[[], IO[bytes]]:
    # Between the look and the opening somebody may have put a link there.
    return lambda: os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")


class _Archive(io.BufferedReader):
    """The file of a ZIP, of which no more is read at once than a directory may have until it is opened.

    Where its directory is and how long it says it is are told in several places; this does not ask which counts.
    """

    is_open = False

    def read(self, size: int | None = -1, /) -> bytes:
        """Return bytes.

        Raises:
            Unreadable: they are a directory that is larger than memory should hold.
        """
        if not self.is_open and size is not None and size > MOST_DIRECTORY_BYTES:
            raise Unreadable(f"there are more than {MOST_FILES} files")
        return super().read(size)


def _of_zip(place: Path) -> Iterator[Entry]:
    with _Archive(place.open("rb", buffering=0)) as file:
        try:
            archive = zipfile.ZipFile(file)
        except READ_FAILURES as error:
            raise Unreadable("this is no folder and no ZIP") from error
        file.is_open = True
        with archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield _member(archive, info)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    problem = ""
    parts = info.filename.replace("\\", "/").split("/")
    if ".." in parts or info.filename.startswith(("/", "\\")) or ":" in parts[0]:
        problem = "the name leads out of the archive"
    elif stat.S_ISLNK(info.external_attr >> 16):
        problem = "a link, which is not followed"
    elif len(parts) > DEEPEST + 1:
        problem = f"folders are nested deeper than {DEEPEST}"
    elif info.flag_bits & 1:
        problem = "encrypted"
    return Entry(info.filename, info.file_size, lambda: archive.open(info), problem)
