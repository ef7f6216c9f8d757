"""Settings that cannot be used are a message, never the defaults."""

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.cli import main
from app.settings import Settings
from app.settings import settings as chosen

NO_NUMBER = "Input should be a valid integer, unable to parse string as an integer"


@pytest.fixture(autouse=True)
def chosen_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RENKEI_HOME", raising=False)
    chosen.cache_clear()
    yield
    chosen.cache_clear()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("RENKEI_ENV_FILE", "absent.env", "RENKEI_ENV_FILE names absent.env, which is not there"),
        ("RENKEI_SECRETS_DIR", "absent", "RENKEI_SECRETS_DIR names absent, which is not there"),
        ("RENKEI_PORT", "eighty", f"These settings cannot be used. port: {NO_NUMBER}"),
    ],
)
def test_a_setting_that_cannot_be_used_stops_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)

    done = CliRunner().invoke(main, ["migrate"])

    assert (done.exit_code, done.output) == (1, f"Error: {message}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_setting_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "renkei.env").write_text("RENKEI_DATABSE=postgresql://renkei:canary@db/renkei\n")
    monkeypatch.setenv("RENKEI_ENV_FILE", "renkei.env")

    done = CliRunner().invoke(main, ["migrate"])

    assert done.exit_code == 1
    assert "renkei_databse" in done.output
    assert "canary" not in done.output


def test_the_file_and_the_secrets_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "renkei.env").write_text("RENKEI_HOME=from-the-file\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "renkei_database").write_text("from-a-secret.sqlite3\n")
    monkeypatch.setenv("RENKEI_ENV_FILE", "renkei.env")
    monkeypatch.setenv("RENKEI_SECRETS_DIR", "secrets")

    done = CliRunner().invoke(main, ["migrate"])

    assert done.exit_code == 0, done.output
    assert (tmp_path / "from-a-secret.sqlite3").exists()
    assert chosen().home == Path("from-the-file")


def test_the_command_runs_from_a_checkout(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["renkei", "--version"])

    with pytest.raises(SystemExit) as end:
        runpy.run_module("app.cli", run_name="__main__")

    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("renkei, version ")


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"port": 8099}, "http://127.0.0.1:8099"),
        ({"port": 8099, "address": "https://renkei.example"}, "https://renkei.example"),
    ],
)
def test_the_address_follows_the_port_unless_it_is_given(given: dict[str, Any], address: str) -> None:
    assert Settings(**given).address == address
