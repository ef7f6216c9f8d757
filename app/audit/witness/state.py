"""What a witness remembers: of each log the last checkpoint that it has signed, and those that it refused.

One SQLite file. A checkpoint is compared and kept in one transaction, durable before the cosignature leaves.

https://c2sp.org/tlog-witness
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.audit.checkpoint import Checkpoint
from app.audit.tree import EMPTY_ROOT

MOST_REFUSED = 1_000
"""Refused checkpoints that are kept for each log: they are the proof against it, and one is enough."""

_TABLES = """
CREATE TABLE IF NOT EXISTS signed (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL, seconds INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS refused (origin TEXT NOT NULL, note TEXT NOT NULL, seconds INTEGER NOT NULL);
"""


class Held:
    """The state of one log, while nobody else changes it."""

    def __init__(self, connection: sqlite3.Connection, origin: str) -> None:
        self._connection = connection
        self._origin = origin
        row = connection.execute("SELECT size, root FROM signed WHERE origin = ?", (origin,)).fetchone()
        self.last = Checkpoint(origin, row[0], row[1]) if row else Checkpoint(origin, 0, EMPTY_ROOT)
        """What was signed last; the empty log when nothing was."""

    def keep(self, new: Checkpoint, note: str, seconds: int) -> None:
        """Remember what will be signed."""
        self._connection.execute(
            "INSERT INTO signed VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET "
            "size = excluded.size, root = excluded.root, note = excluded.note, seconds = excluded.seconds",
            (new.origin, new.size, new.root, note, seconds),
        )

    def refuse(self, note: str, seconds: int) -> None:
        """Remember a checkpoint that the log signed and that does not go on from what it had signed before."""
        query = "SELECT count(*), coalesce(max(note = ?), 0) FROM refused WHERE origin = ?"
        count, known = self._connection.execute(query, (note, self._origin)).fetchone()
        if count < MOST_REFUSED and not known:
            self._connection.execute("INSERT INTO refused VALUES (?, ?, ?)", (self._origin, note, seconds))


class State:
    """The file, opened anew for each request: a witness is asked about once a minute.

    Args:
        path: The file; made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._opened() as connection:
            connection.executescript(_TABLES)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous=EXTRA")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def held(self, origin: str) -> Iterator[Held]:
        """Hold the state of a log; what was changed is durable when the block ends."""
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Held(connection, origin)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def notes(self, origin: str) -> tuple[str, list[str]]:
        """Return the last checkpoint that was signed of a log, empty when none was, and those that were refused."""
        with self._opened() as connection:
            signed = connection.execute("SELECT note FROM signed WHERE origin = ?", (origin,)).fetchone()
            refused = connection.execute("SELECT note FROM refused WHERE origin = ? ORDER BY seconds", (origin,))
            return signed[0] if signed else "", [note for (note,) in refused]
