"""What the gateway has sent: one row a file, in a small SQLite file in the gateway's own folder.

A row is written when the hub has answered; so a stop at any moment sends at most a batch a second time, which the hub
knows already.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SENT, DEAD = 1, 2
"""What became of a file: the hub has it, or has refused it."""

_TABLES = """
CREATE TABLE IF NOT EXISTS file (
    path TEXT PRIMARY KEY, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL, digest BLOB NOT NULL,
    state INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_dead ON file (path) WHERE state = 2;
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a file."""

    path: str
    mtime_ns: int
    size: int
    digest: bytes
    """Its SHA-256."""
    state: int


class Journal:
    """The journal of one store.

    Args:
        place: Its file; made when it is not there.
    """

    def __init__(self, place: Path) -> None:
        self._raw = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        # A row that a power cut takes is a file that is sent again.
        self._raw.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {_TABLES}")
        self._lock = threading.Lock()

    def below(self, folder: str) -> Mapping[str, Row]:
        """Return the rows of the files below a folder, by their paths."""
        found = self._rows("WHERE path >= ? AND path < ?", (f"{folder}/", f"{folder}0"))
        return {one.path: one for one in found}

    def row(self, path: str) -> Row | None:
        """Return the row of a file; None when it is not known."""
        return next(iter(self._rows("WHERE path = ?", (path,))), None)

    def dead(self) -> Iterator[Row]:
        """Yield the files that the hub has refused."""
        yield from self._rows("WHERE state = 2", ())

    def _rows(self, where: str, values: tuple[str, ...]) -> list[Row]:
        text = f"SELECT path, mtime_ns, size, digest, state FROM file {where}"  # noqa: S608 - two texts of this module
        with self._lock:
            return [Row(*one) for one in self._raw.execute(text, values)]

    def keep(self, rows: Iterable[Row]) -> None:
        """Note what became of files, all or none."""
        values = [(one.path, one.mtime_ns, one.size, one.digest, one.state) for one in rows]
        with self._lock, self:
            self._raw.executemany("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)", values)

    def forget(self, paths: Iterable[str]) -> None:
        """Let files be sent again."""
        with self._lock, self:
            self._raw.executemany("DELETE FROM file WHERE path = ?", [(path,) for path in paths])

    def counts(self) -> tuple[int, int]:
        """Return how many files were sent, and how many were refused."""
        with self._lock, closing(self._raw.execute("SELECT state, count(*) FROM file GROUP BY state")) as found:
            by_state = dict(found.fetchall())
        return by_state.get(SENT, 0), by_state.get(DEAD, 0)

    def note(self, **values: str | int) -> None:
        """Keep words about the gateway itself, for `--status` and for its next start."""
        rows = [(name, str(value)) for name, value in values.items()]
        with self._lock, self:
            self._raw.executemany("INSERT OR REPLACE INTO note VALUES (?, ?)", rows)

    def notes(self) -> dict[str, str]:
        """Return the words about the gateway itself."""
        with self._lock:
            return dict(self._raw.execute("SELECT name, value FROM note").fetchall())

    def __enter__(self) -> Self:
        self._raw.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._raw.execute("COMMIT" if kind is None else "ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._raw.close()
