"""Whether the database's tables are those of this release."""

import re
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Text, column, select, table

from app.db.database import Database, DatabaseUnavailable

VERSIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"

STATED = select(column("version_num", Text)).select_from(table("alembic_version"))
"""The statement of the migration that the database is at."""


class WrongVersion(Exception):
    """The database was not migrated to this release, or was migrated by a later one."""


@lru_cache
def revisions() -> frozenset[str]:
    """Return every migration that this release has."""
    return frozenset(_stated("revision"))


@lru_cache
def head() -> str:
    """Return the newest migration: the one that no other follows."""
    (newest,) = _stated("revision") - _stated("down_revision")
    return newest


def _stated(name: str) -> set[str]:
    """Return what the migrations say under `name`."""
    line = re.compile(rf'^{name} = "(\w+)"', re.MULTILINE)
    return {match[1] for path in VERSIONS.glob("*.py") if (match := line.search(path.read_text()))}


async def check_version(database: Database) -> None:
    """Check the database's version.

    Raises:
        WrongVersion: it is not this release's; `renkei migrate` makes it so.
    """
    try:
        rows = await database.reader.fetch(STATED, {})
    except DatabaseUnavailable:
        raise
    except Exception as error:
        raise WrongVersion("The database has no tables yet; run: renkei migrate") from error
    if not rows or rows[0][0] != head():
        raise WrongVersion("The database is of another release; run: renkei migrate")
