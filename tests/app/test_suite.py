"""What keeps the suite short changes nothing of what it shows."""

import sys
from pathlib import Path

import asyncpg
import coverage
import pytest

from app.settings import Settings
from tests import memory


@pytest.mark.uncounted
def test_an_uncounted_test_is_not_watched() -> None:
    assert sys.gettrace() is None


def test_the_tests_after_it_are() -> None:
    assert (sys.gettrace() is None) == (coverage.Coverage.current() is None)


@pytest.mark.parametrize(
    ("name", "value"), [("MEMORY", Path("/nowhere")), ("ROOM_BYTES", 1 << 80)], ids=["none", "no room"]
)
def test_files_lie_in_the_usual_place_where_memory_lends_none(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    monkeypatch.setattr(memory, name, value)

    assert memory.in_memory() is None


@pytest.mark.anyio
@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
@pytest.mark.parametrize("_turn", [1, 2, 3])
async def test_a_test_finds_one_database_besides_the_template_and_it_is_empty(_turn: int, settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database)
    await connection.execute("CREATE TABLE left_behind AS SELECT 1")
    names = await connection.fetch(r"SELECT datname FROM pg_database WHERE datname ~ '^renkei_\d+$'")
    await connection.close()

    assert len(names) == 1
