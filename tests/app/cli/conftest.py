"""The command line inside the test process, on databases of both kinds."""

from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.settings import Settings
from app.settings import settings as chosen

Renkei = Callable[..., Result]


@pytest.fixture
def renkei(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Renkei]:
    """Run `renkei` with arguments against a migrated, empty database."""
    monkeypatch.setenv("RENKEI_HOME", str(settings.home))
    monkeypatch.setenv("RENKEI_DATABASE", settings.database)
    chosen.cache_clear()

    def run(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=input, catch_exceptions=False)

    yield run
    chosen.cache_clear()


@pytest.fixture
def hospital(renkei: Renkei) -> Renkei:
    """The same, with a hospital and a clinic."""
    for slug, kind, number in (("hospital-a", "hospital", "0110000001"), ("clinic-c", "clinic", "0110000002")):
        added = renkei("organisation", "add", slug, "--title", slug, "--kind", kind, "--number", number)
        assert added.exit_code == 0, added.output
    return renkei
