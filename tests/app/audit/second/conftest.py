"""A hub with a second log."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.settings import Settings
from tests.world import World, running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The second log's."""
    return tmp_path / "other-disk"


@pytest.fixture
async def world(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """The hub; lines are taken up when a test says so."""
    monkeypatch.setattr("app.audit.second.take_up.EVERY_SECONDS", 3_600.0)
    async with running(settings.model_copy(update={"break_glass_log": folder})) as made:
        yield made
