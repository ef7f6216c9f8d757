"""The files of an import: where they may lie, and their lines, a batch at a time, whatever their sizes."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fhir.errors import InvalidValue

_GZIP = b"\x1f\x8b"
SUFFIXES = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
"""The names of files that are taken from a folder."""

UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading a file fails with: it is gone, cut short, or no gzip."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line of a file.

    Attributes:
        number: Counts from 1.
        body: What it holds; None when that is longer than a resource may be.
    """

    number: int
    body: bytes | None


def inside(folder: Path, name: str) -> Path:
    """Return the file of a name in a folder.

    Raises:
        InvalidValue: the name leads out of it, by `..`, as an absolute path or by a link, or there is no such file.
    """
    root = folder.resolve()
    try:
        if "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise InvalidValue("A file is named by its path in the folder of imports", "input.url")
        found = (root / name).resolve()
        if not found.is_relative_to(root) or not found.is_file():
            raise InvalidValue(f"{name[:200]} is no file in the folder of imports", "input.url")
    except OSError:
        raise InvalidValue(f"{name[:200]} is no file in the folder of imports", "input.url") from None
    return found


def files_of(paths: tuple[Path, ...]) -> list[Path]:
    """Return the files that paths name: themselves, or those of NDJSON in a folder, in the order of their names."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(one for one in path.rglob("*") if one.is_file() and one.name.endswith(SUFFIXES))
        else:
            found.append(path)
    return [one.resolve() for one in found]


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    # The path was resolved: what has become a link since is not followed.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        if not packed:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield unpacked  # type: ignore[misc]


def lines(where: Callable[[], Path], most_bytes: int) -> Iterator[RawLine]:
    """Yield the lines of a file that are not empty; of one that is too long nothing is held.

    Args:
        where: Returns the file's path, once it is to be opened.
        most_bytes: The longest line.

    Raises:
        OSError: the file cannot be read.
        EOFError: it is gzip and cut short.
        zlib.error: it is gzip and damaged.
    """
    with _opened(where()) as file:
        number = 0
        while line := file.readline(most_bytes + 2):
            number += 1
            if len(line) > most_bytes and not line.endswith(b"\n"):
                while line and not line.endswith(b"\n"):
                    line = file.readline(1_000_000)
                yield RawLine(number, None)
            elif stripped := line.strip():
                yield RawLine(number, stripped)
