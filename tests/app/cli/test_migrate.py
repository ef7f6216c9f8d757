from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from app.settings import settings as chosen


def test_migrating_twice_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENKEI_HOME", str(tmp_path))
    chosen.cache_clear()

    done = [CliRunner().invoke(main, ["migrate"]).output for _ in range(2)]
    back = CliRunner().invoke(main, ["migrate", "--down", "base"])
    refused = CliRunner().invoke(main, ["organisation", "list"])
    chosen.cache_clear()

    assert done == ["The database is at this release\n"] * 2
    assert back.output == "The database is at base\n"
    assert refused.exit_code == 1
    assert "renkei migrate" in refused.output


def test_an_unknown_setting_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("RENKEI_PORTT=1\n")
    monkeypatch.setenv("RENKEI_ENV_FILE", str(file))
    chosen.cache_clear()

    refused = CliRunner().invoke(main, ["organisation", "list"])
    chosen.cache_clear()

    assert refused.exit_code == 1
    assert "portt" in str(refused.exception).lower() + refused.output.lower()
