"""Counters that processes share."""

import asyncio

import pytest

from app.access import epoch
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_a_counter_is_begun_by_several_at_once(world: World) -> None:
    database = world.hub.database

    async def grown() -> int:
        async with database.write() as connection:
            return await epoch.grow(connection, "of a test")

    async def put(number: int) -> None:
        async with database.write() as connection:
            await epoch.set_value(connection, "another", number)

    found = await asyncio.gather(*(grown() for _ in range(8)))
    await asyncio.gather(*(put(number) for number in range(8)))

    assert sorted(found) == list(range(1, 9))
    assert await epoch.value(database.reader, "of a test") == 8
    assert await epoch.value(database.reader, "another") in range(8)
