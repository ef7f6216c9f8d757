"""How strings are folded is a setting; after a change of it stored rows are made anew."""

import logging
from collections.abc import AsyncIterator

import pytest

from app.lifecycle import warn_of_folding
from app.records.reindex import reindex_types
from app.settings import Settings
from fhir.store.types import NUMBERS
from tests.world import World, a_patient, running

pytestmark = pytest.mark.anyio

NAMED = a_patient(name=[{"family": "髙橋", "given": ["はなこ"]}])


@pytest.fixture
async def japanese(settings: Settings) -> AsyncIterator[World]:
    """A running hub that takes kana, and old and new kanji, for the same."""
    async with running(settings.model_copy(update={"string_folding": "japanese"})) as made:
        yield made


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("family=高橋", 1),
        ("given=ﾊﾅｺ", 1),
        ("name=高橋 ハナコ", 1),
        ("family:contains=高", 1),
        ("family:exact=髙橋", 1),
        ("family:exact=高橋", 0),
        ("family=橋高", 0),
    ],
)
async def test_a_hub_that_is_set_so_finds_old_kanji_and_kana(japanese: World, query: str, total: int) -> None:
    hospital = await japanese.client("hospital-a")
    await japanese.post(hospital, NAMED)

    assert await japanese.total(hospital, f"Patient?{query}") == total


async def test_otherwise_they_are_different(world: World) -> None:
    hospital = await world.client("hospital-a")
    await world.post(hospital, NAMED)

    assert await world.total(hospital, "Patient?family=高橋") == 0
    assert await world.total(hospital, "Patient?family=髙橋") == 1
    assert await world.total(hospital, "Patient?given=ハナコ") == 0


async def test_after_a_change_the_log_says_so_until_all_is_indexed_anew(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    hospital = await world.client("hospital-a")
    await world.post(hospital, NAMED)
    with caplog.at_level(logging.WARNING):
        await warn_of_folding(world.hub)
    before = caplog.text
    world.hub.settings = world.hub.settings.model_copy(update={"string_folding": "japanese"})
    with caplog.at_level(logging.WARNING):
        await warn_of_folding(world.hub)
    changed = caplog.text
    caplog.clear()

    async for _ in reindex_types(world.hub, sorted(NUMBERS), again=True):
        pass
    with caplog.at_level(logging.WARNING):
        await warn_of_folding(world.hub)

    assert before == ""
    assert "renkei reindex" in changed
    assert caplog.text == ""
    assert await world.total(hospital, "Patient?family=高橋") == 1
