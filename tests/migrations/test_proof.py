"""0022 computes the roots of the tiles that a log of an earlier release has filled."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.audit.tree import leaf_hash, root
from app.db.migrate import downgrade, upgrade
from app.settings import Settings

LEAVES = [leaf_hash(b"%d" % number) for number in range(600)]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a database without any table."""
    if request.param == "sqlite":
        yield Settings(home=tmp_path)
    else:
        yield Settings(home=tmp_path, database=request.getfixturevalue("empty_postgresql"))


def _fill(settings: Settings) -> None:
    rows = [(number, number + 1, leaf) for number, leaf in enumerate(LEAVES)]
    if not settings.is_postgresql:
        with sqlite3.connect(settings.sqlite_path) as file:
            file.executemany("INSERT INTO audit_leaf (leaf, row, hash) VALUES (?, ?, ?)", rows)
        file.close()
        return

    async def insert() -> None:
        connection = await asyncpg.connect(settings.database)
        await connection.executemany('INSERT INTO audit_leaf (leaf, "row", hash) VALUES ($1, $2, $3)', rows)
        await connection.close()

    asyncio.run(insert())


def _nodes(settings: Settings) -> list[tuple[int, int, bytes]]:
    query = "SELECT level, position, hash FROM audit_node ORDER BY level, position"
    if not settings.is_postgresql:
        with sqlite3.connect(settings.sqlite_path) as file:
            found = file.execute(query).fetchall()
        file.close()
        return found

    async def fetch() -> list[tuple[int, int, bytes]]:
        connection = await asyncpg.connect(settings.database)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


def test_full_tiles_have_their_roots_after_the_migration(empty: Settings) -> None:
    upgrade(empty)
    downgrade(empty, "0021")
    _fill(empty)

    upgrade(empty)

    assert _nodes(empty) == [(1, 0, root(LEAVES[:256])), (1, 1, root(LEAVES[256:512]))]
