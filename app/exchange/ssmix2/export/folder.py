"""Where an export goes: a folder with the two stores, an index of their files, and how far the export is.

`standard/` and `extended/` are the stores; `index.csv` has a line for each file, `left-out.csv` one for each resource
that no message says, `patients.csv` one for each patient that is done.
"""

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from app.comma import comma_separated
from app.flush import flush_folder, write_whole

STANDARD, EXTENDED = "standard", "extended"
INDEX = ("patient", "path", "sha256", "bytes", "origin", "replaced", "covers")
LEFT_OUT = ("patient", "resource", "reason")
PATIENTS = ("patient", "files")
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


class NotEmpty(ValueError):
    """The folder has something in it, or is not of an export that was interrupted."""


@dataclass(frozen=True, slots=True)
class Out:
    """A file of a store."""

    path: str
    """Below the folder of the export."""
    body: bytes
    origin: str
    """`kept`: as it came. `made`: of resources."""
    covers: tuple[str, ...]
    """The resources that are in it."""
    replaced: int = 0
    """Characters that JIS X 0208 does not have, and that are ■ in it."""


def _line(patient: str, one: Out) -> tuple[object, ...]:
    digest = sha256(one.body).hexdigest()
    return patient, one.path, digest, len(one.body), one.origin, one.replaced, " ".join(one.covers)


class Folder:
    """The folder of one export.

    Args:
        path: The folder; made where it is not there.
        resume: Whether it may hold an export that was interrupted.
        what: What is exported; an export is resumed as the same alone.
    """

    def __init__(self, path: Path, *, resume: bool, what: str) -> None:
        """Open it.

        Raises:
            NotEmpty: it has something in it that is no beginning of this export.
        """
        self._path = path
        path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        mark = path / "export.txt"
        begun = mark.read_text(encoding="utf-8") if mark.is_file() else None
        if begun is None and any(path.iterdir()):
            raise NotEmpty(f"{path} is not empty")
        if begun is not None and not resume:
            raise NotEmpty(f"{path} holds an export; --resume goes on with one that was interrupted")
        if begun is not None and begun != what:
            raise NotEmpty(f"{path} holds another export: {begun.strip()}")
        path.chmod(PRIVATE_FOLDER)
        if begun is None:
            self._put(mark, what.encode())
            for name, head in (("index.csv", INDEX), ("left-out.csv", LEFT_OUT), ("patients.csv", PATIENTS)):
                self._put(path / name, comma_separated([], head).encode())
        else:
            self._forget_the_unfinished()

    def done(self) -> frozenset[str]:
        """Return the patients that are done."""
        with (self._path / "patients.csv").open(encoding="utf-8", newline="") as file:
            return frozenset(row[0] for row in csv.reader(file) if len(row) == len(PATIENTS))

    def keep(self, patient: str, files: Sequence[Out], left_out: Iterable[tuple[str, str]]) -> None:
        """Write all of a patient; a patient that is written again after an interruption is written over.

        Args:
            patient: The Patient, `Patient/4711`.
            files: The files.
            left_out: Resources that are in none, each with the reason.
        """
        folders = {self._write(one) for one in files}
        for folder in sorted(folders):
            flush_folder(folder)
        self._append("index.csv", [_line(patient, one) for one in files])
        self._append("left-out.csv", [(patient, *one) for one in left_out])
        self._append("patients.csv", [(patient, len(files))])

    def _forget_the_unfinished(self) -> None:
        """Take out of the index what an interruption left of a patient that is not done."""
        done = self.done()
        for name in ("index.csv", "left-out.csv"):
            place = self._path / name
            with place.open(encoding="utf-8", newline="") as file:
                head, *rows = csv.reader(file)
            write_whole(
                place, comma_separated((row for row in rows if row[0] in done), head).encode(), mode=PRIVATE_FILE
            )

    def _write(self, one: Out) -> Path:
        """Write a file and return its folder."""
        place = self._path.joinpath(*one.path.replace("\0", "-").split("/"))
        for above in reversed(place.relative_to(self._path).parents):
            (self._path / above).mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        self._put(place, one.body)
        return place.parent

    def _put(self, place: Path, body: bytes) -> None:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, PRIVATE_FILE)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())

    def _append(self, name: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        with (self._path / name).open("ab") as file:
            file.write(comma_separated(rows).encode())
            file.flush()
            os.fsync(file.fileno())
