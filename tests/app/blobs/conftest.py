"""Blob stores behind both doors, and hubs on them."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.blobs import Blobs, open_blobs
from app.hub import Hub
from app.lifecycle import open_hub
from app.settings import Settings
from tests.s3 import s3_server
from tests.world import add_sites

_numbers = itertools.count()


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    with s3_server() as variables:
        yield variables


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `RENKEI_BLOBS` is."""
    if request.param == "folder":
        return ""
    for name, value in request.getfixturevalue("s3").items():
        monkeypatch.setenv(name, value)
    return f"s3://renkei/test-{next(_numbers)}"


@pytest.fixture
def blobs(place: str, tmp_path: Path) -> Blobs:
    return open_blobs(Settings(home=tmp_path, blobs=place))


@pytest.fixture
def chosen(settings: Settings, place: str) -> Settings:
    """Settings with either database and either door of blobs."""
    return settings.model_copy(update={"blobs": place})


@pytest.fixture
async def hub(chosen: Settings) -> AsyncIterator[Hub]:
    """A hub with sites whose tasks do not run, but for its audit log."""
    made = await open_hub(chosen)
    made.audit.start()
    await add_sites(made)
    yield made
    await made.close()
