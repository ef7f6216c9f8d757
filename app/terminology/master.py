"""A master as a package: read from files, made into resources."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.packages.archive import Package, Resource
from app.terminology.files import tables
from app.terminology.version import named_version
from fhir.terminology.masters.kinds import KINDS
from fhir.terminology.masters.master import Source
from fhir.terminology.masters.resources import Made
from fhir.terminology.masters.table import Faults

PREFIX = "renkei.terminology."
"""Begins the names of packages that are made here; the kind follows."""


@dataclass(frozen=True, slots=True)
class Master:
    """A master that was read."""

    package: Package
    made: list[Made]
    rows: int
    faults: Faults
    unused: list[str]
    """Tables of the files that were not used."""


def read_master(kind: str, paths: Sequence[Path], version: str, progress: Callable[[int], None]) -> Master:
    """Return what the files of a master become.

    Args:
        kind: A key of `KINDS`.
        paths: The files, in any order.
        version: The package's version; empty: as the files' names or their newest row say.
        progress: Is told the number of rows from time to time.

    Raises:
        UnknownLayout: a file has not the layout of the master, or its version is not known.
        OSError: a file cannot be read.
    """
    found = tables(paths)
    names = [*(path.name for path in paths), *(table.place for table in found)]
    source = Source(version or named_version(names), progress=progress)
    made = list(KINDS[kind].make(found, source))
    resources = [Resource(one.type, one.url, source.said, one.body) for one in made]
    package = Package(PREFIX + kind, source.said, {}, resources, [])
    return Master(package, made, source.rows, source.faults, source.unused)
