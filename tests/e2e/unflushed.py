"""A hub on SQLite that commits without flushing: the negative control of the power cut.

Run it with `python -m tests.e2e.unflushed`.
"""

import sqlite3
from pathlib import Path

from app.cli import main
from app.db import sqlite

_connect = sqlite._connect


def _without_flushing(path: Path) -> sqlite3.Connection:
    raw = _connect(path)
    raw.execute("PRAGMA synchronous=OFF")
    return raw


if __name__ == "__main__":
    sqlite._connect = _without_flushing
    main(["serve"], prog_name="renkei")
