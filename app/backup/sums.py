"""The list of digests: every file of a backup, in the form of sha256sum."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from app.backup.failures import Damaged
from app.backup.place import BLOBS, MANIFEST, SUMS
from app.flush import flush_folder

_LINE = re.compile(
    rf"(?P<digest>[0-9a-f]{{64}})  (?P<name>\d{{6,}}\.age|{re.escape(MANIFEST)}|\.\./{BLOBS}/[0-9a-f/.]+\.age)\n"
)


class SumsWriter:
    """Writes the list as the files come; memory holds a line of it.

    Attributes:
        digest: The SHA-256 of the list, once it is closed.
    """

    def __init__(self, folder: Path) -> None:
        self.digest = ""
        self._folder = folder
        self._hash = hashlib.sha256()
        self._file = (folder / SUMS).open("wb")

    def add(self, name: str, digest: str) -> None:
        """Add a file."""
        line = f"{digest}  {name}\n".encode()
        self._hash.update(line)
        self._file.write(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        flush_folder(self._folder)
        self.digest = self._hash.hexdigest()


def read(folder: Path) -> Iterator[tuple[str, str]]:
    """Return name and digest of each file of a backup.

    Raises:
        Damaged: a line is none.
    """
    with (folder / SUMS).open(encoding="ascii", errors="replace") as file:
        for number, text in enumerate(file, 1):
            line = _LINE.fullmatch(text)
            if line is None or "../" in line["name"][3:]:
                raise Damaged(f"{SUMS}, line {number}: not a file of a backup")
            yield line["name"], line["digest"]
