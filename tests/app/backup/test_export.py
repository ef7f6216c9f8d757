from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import BigInteger, Float, Integer, LargeBinary, SmallInteger, Text

from app.audit.tables import audit_checkpoint
from app.backup.export import PAGE_BYTES, PAGE_ROWS, pages, tables
from fhir.store.tables import index_string, index_token, resource_version
from tests.world import World

pytestmark = pytest.mark.anyio


async def _read(world: World, table: Any) -> list[Sequence[tuple[Any, ...]]]:
    async with world.hub.database.snapshot() as snapshot:
        return [[tuple(row) for row in page] async for page in pages(snapshot, table)]


async def _insert(world: World, table: Any, rows: Sequence[tuple[Any, ...]]) -> None:
    async with world.hub.database.write() as connection:
        await connection.insert(table, rows)


async def test_every_row_comes_once_in_the_order_of_its_key(world: World) -> None:
    made = [(at % 7, -at, at // 3, at, 1, at % 2) for at in range(2 * PAGE_ROWS + 3)]
    await _insert(world, index_token, made[::-1])

    found = await _read(world, index_token)

    assert [len(page) for page in found] == [PAGE_ROWS, PAGE_ROWS, 3]
    assert [row for page in found for row in page] == sorted(made)


async def test_texts_are_in_the_order_of_their_code_points_on_both_engines(world: World) -> None:
    values = ["a", "B", "Z", "é", "ア", "山", "𠮷", ""]
    await _insert(world, index_string, [(1, value, 1, 1, 1, 0) for value in values])

    found = await _read(world, index_string)

    assert [row[1] for page in found for row in page] == ["", "B", "Z", "a", "é", "ア", "山", "𠮷"]


async def test_a_key_of_one_column_is_walked_as_well(world: World) -> None:
    await _insert(world, audit_checkpoint, [(size, 1, "x" * (PAGE_BYTES // 4)) for size in range(1, 10)])

    found = await _read(world, audit_checkpoint)

    assert [len(page) for page in found] == [4, 4, 1]


async def test_large_bodies_make_small_pages(world: World) -> None:
    sizes = [1, 1, PAGE_BYTES // 2, PAGE_BYTES // 2, PAGE_BYTES + 1, 10, 10, 10]
    await _insert(world, resource_version, [(1, at, 1, 0, 1, bytes(size), b"", b"") for at, size in enumerate(sizes)])

    found = await _read(world, resource_version)

    assert [[len(row[5]) for row in page] for page in found] == [
        [1, 1],
        [PAGE_BYTES // 2, PAGE_BYTES // 2],
        [PAGE_BYTES + 1],
        [10, 10],
        [10],
    ]


async def test_a_snapshot_does_not_see_what_comes_later(world: World) -> None:
    await _insert(world, index_token, [(1, at, 1, 1, 1, 1) for at in range(PAGE_ROWS + 1)])
    seen = 0

    async with world.hub.database.snapshot() as snapshot:
        async for page in pages(snapshot, index_token):
            seen += len(page)
            await _insert(world, index_token, [(2, seen, 1, 1, 1, 1)])

    assert seen == PAGE_ROWS + 1


@pytest.mark.parametrize("table", tables(), ids=str)
def test_every_table_holds_only_what_both_engines_keep_alike_and_numbers_no_rows(table: Any) -> None:
    allowed = (BigInteger, Float, Integer, LargeBinary, SmallInteger, Text)

    assert all(isinstance(column.type, allowed) for column in table.columns), "teach app.backup.segment this type"
    assert table.primary_key.columns, "a table without a key cannot be walked"
    assert table.autoincrement_column is None, "a restore would have to set its counter"
