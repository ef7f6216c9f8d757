"""The files of the second log: one sealed record a line, with its number and its kind.

    <number> access <sum> <record>    an access; its answer may have left on the strength of this line alone
    <number> act <sum> <record>       a part of a transaction: without its record in the log it was not done

A record is the same bytes as in the log (docs/audit.md), so it tells nothing to who has no key. The sum is the CRC-32
of the rest of the line, in eight hexadecimal digits: by it a line of which the disk lost bits is known. Whoever
alters a line can alter its sum; that is found by its record. Each process has files of its own, named by the number
of their first record.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ACCESS = "access"
ACT = "act"
KINDS = (ACCESS, ACT)

SUFFIX = ".log"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line."""

    row: int
    """The number of the record."""
    kind: str
    """A member of `KINDS`."""
    record: bytes


class MalformedEntry(ValueError):
    """A line is none that the hub wrote."""


def line(row: int, kind: str, record: bytes) -> bytes:
    """Return the line of a record."""
    head = b"%d %s" % (row, kind.encode())
    return b"%s %08x %s\n" % (head, _sum(head, record), record)


def _sum(head: bytes, record: bytes) -> int:
    return zlib.crc32(record, zlib.crc32(head))


def parse(text: bytes) -> Entry:
    """Return the entry of a line, without its end.

    Raises:
        MalformedEntry: it is none.
    """
    row, _, rest = text.partition(b" ")
    kind, _, rest = rest.partition(b" ")
    stated, _, record = rest.partition(b" ")
    name = kind.decode("ascii", "replace")
    if not row.isdigit() or len(row) > 19 or int(row) >= 2**63 or name not in KINDS or not record:
        raise MalformedEntry(f"not a line of the second log: {text[:60]!r}")
    if stated != b"%08x" % _sum(b"%s %s" % (row, kind), record):
        raise MalformedEntry(f"a line of the second log whose sum is wrong: {text[:60]!r}")
    return Entry(int(row), name, record)


def files(folder: Path) -> list[Path]:
    """Return the files of the second log, the oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def lines(path: Path, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file from a byte on, without their ends, each with the offset of what follows it.

    What stands after the last end of line was being written when the machine failed: no answer left because of it.
    """
    with path.open("rb") as file:
        file.seek(offset)
        for text in file:
            if not text.endswith(b"\n"):
                return
            offset += len(text)
            yield offset, text[:-1]


def entries(folder: Path, damaged: list[str] | None = None) -> Iterator[Entry]:
    """Yield every entry of a folder.

    Args:
        folder: The second log's.
        damaged: Gets a word on each line that is none, and the others go on.

    Raises:
        MalformedEntry: a line is none that the hub wrote; not with `damaged`.
    """
    for path in files(folder):
        for _, text in lines(path):
            try:
                yield parse(text)
            except MalformedEntry as error:
                if damaged is None:
                    raise
                damaged.append(f"{path.name}: {error}")
