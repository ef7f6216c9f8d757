import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.lifecycle import audit_keys, open_hub
from app.settings import Settings


def test_processes_that_start_at_once_for_the_first_time_make_one_pair_of_keys(tmp_path: Path) -> None:
    settings = [Settings(home=tmp_path / str(number)) for number in range(20) for _ in range(4)]

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(audit_keys, settings))

    for four in range(0, len(made), 4):
        assert len({keys.identifier_key(2026) for keys, _ in made[four : four + 4]}) == 1
        assert len({signer.skey for _, signer in made[four : four + 4]}) == 1
        assert sorted(path.name for path in settings[four].keys_folder.iterdir()) == ["audit-master", "audit-signer"]


@pytest.mark.anyio
async def test_processes_that_start_at_once_have_numbers_of_their_own(settings: Settings) -> None:
    hubs = await asyncio.gather(*(open_hub(settings) for _ in range(4)))

    assert len({hub.new_row() & 0x1FF800 for hub in hubs}) == 4
    for hub in hubs:
        await hub.close()


@pytest.mark.anyio
async def test_what_fails_to_close_keeps_nothing_else_open(settings: Settings) -> None:
    hub = await open_hub(settings)
    closed = []

    async def fail() -> None:
        raise ZeroDivisionError

    async def close() -> None:
        closed.append(1)

    hub.closing += [fail, close]

    with pytest.raises(ZeroDivisionError):
        await hub.close()

    assert closed == [1]
