"""Whether the database's tables are those of this release."""

import re
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Text, column, select, table

from app.db.database import Database, DatabaseUnavailable

VERSIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"

_STATED = select(column("version_num", Text)).select_from(table("alembic_version"))


class WrongVersion(Exception):
    """The database was not migrated to this release, or was migrated by a later one."""


@lru_cache
def head() -> str:
    """Return the newest migration: the one that no other follows."""
    texts = [path.read_text() for path in VERSIONS.glob("*.py")]
    revisions = {match[1] for text in texts if (match := re.search(r'^revision = "(\w+)"', text, re.MULTILINE))}
    followed = {match[1] for text in texts if (match := re.search(r'^down_revision = "(\w+)"', text, re.MULTILINE))}
    (newest,) = revisions - followed
    return newest


async def check_version(database: Database) -> None:
    """Check the database's version.

    Raises:
        WrongVersion: it is not this release's; `renkei migrate` makes it so.
    """
    try:
        rows = await database.reader.fetch(_STATED, {})
    except DatabaseUnavailable:
        raise
    except Exception as error:
        raise WrongVersion("The database has no tables yet; run: renkei migrate") from error
    if not rows or rows[0][0] != head():
        raise WrongVersion("The database is of another release; run: renkei migrate")
