"""What a disc holds by its names, and what its DICOMDIRs list."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from app.imaging.media.entries import MOST_FILES, READ_FAILURES, Entry, entries_of
from dicom.failures import InvalidInstance
from dicom.media.listing import MAX_DIRECTORY_BYTES, NAME, Listed, comparable, listed_files


@dataclass(slots=True)
class Contents:
    """The names of a disc's files beside those that its DICOMDIRs list."""

    names: set[str] = field(default_factory=set)
    """As they are compared."""
    count: int = 0
    listed: dict[str, Listed] = field(default_factory=dict)
    """What DICOMDIRs list, by its path from the root as it is compared; `path` is that from the root as well."""
    has_directory: bool = False
    """Whether a DICOMDIR could be read."""
    left_bytes: int = MAX_DIRECTORY_BYTES
    """Of all DICOMDIRs together that are still read."""
    problems: dict[str, str] = field(default_factory=dict)
    """Why a DICOMDIR could not be read, by its path."""

    def lists(self, path: str) -> bool:
        """Return whether a DICOMDIR lists a file."""
        return comparable(path) in self.listed

    def missing(self) -> list[Listed]:
        """Return what a DICOMDIR lists and the disc does not hold."""
        return [one for key, one in self.listed.items() if key not in self.names]


def contents_of(place: Path) -> Contents:
    """Return the contents of a folder or a ZIP, whose DICOMDIRs are read.

    Raises:
        Unreadable: it is neither, or has too many files.
    """
    found = Contents(left_bytes=MAX_DIRECTORY_BYTES)
    for entry in entries_of(place):
        found.count += 1
        found.names.add(comparable(entry.path))
        if comparable(entry.path).rpartition("/")[2] == NAME.casefold() and not entry.problem:
            _add_directory(found, entry)
    return found


def _add_directory(found: Contents, entry: Entry) -> None:
    try:
        with entry.open() as file:
            data = file.read(found.left_bytes + 1)
        if len(data) > found.left_bytes:
            found.problems[entry.path] = "the tables of contents are too large"
            return
        found.left_bytes -= len(data)
        _add_listed(found, entry.path.replace("\\", "/").rpartition("/")[0], listed_files(data))
        found.has_directory = True
    except InvalidInstance as error:
        found.problems[entry.path] = error.reason
    except READ_FAILURES as error:
        found.problems[entry.path] = f"cannot be read: {type(error).__name__}"


def _add_listed(found: Contents, above: str, listed: Iterable[Listed]) -> None:
    for one in listed:
        path = f"{above}/{one.path}" if above else one.path
        if len(found.listed) >= MOST_FILES:
            return
        if ".." not in path.split("/"):
            found.listed.setdefault(comparable(path), Listed(path, one.record_type, one.sop_instance_uid))
