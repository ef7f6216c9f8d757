"""docs/settings.md, deploy/renkei.env.example and the settings of the hub say the same."""

import re
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text()
EXAMPLE = (ROOT / "deploy" / "renkei.env.example").read_text()

UNITS = {"bytes": "bytes", "entries": "entries", "seconds": "seconds", "minutes": "minutes", "hours": "hours"}


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RENKEI_{name.upper()}", raising=False)


def rows() -> dict[str, list[str]]:
    """The cells of each setting's row: default, unit if the table has one, meaning."""
    found = re.findall(r"^\| `(RENKEI_\w+)` \|(.*)\|$", PAGE, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in found}


def as_written(value: object) -> str:
    """A default as a person writes it into a file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


DEFAULTS = {f"RENKEI_{name.upper()}": as_written(field.default) for name, field in Settings.model_fields.items()}


def test_the_page_has_every_setting_and_no_other() -> None:
    assert sorted(rows()) == sorted(DEFAULTS)


def test_the_page_states_the_defaults() -> None:
    assert {name: cells[0].strip("`") for name, cells in rows().items()} == DEFAULTS


def test_the_page_gives_a_unit_where_the_name_has_one() -> None:
    with_unit = {name: unit for name in DEFAULTS for word, unit in UNITS.items() if name.lower().endswith(f"_{word}")}

    assert len(with_unit) >= 8
    assert {name: rows()[name][1] for name in with_unit} == with_unit


def test_the_page_says_what_each_setting_means() -> None:
    assert [name for name, cells in rows().items() if len(cells[-1]) < 15] == []


def test_the_example_has_every_setting_with_its_default_and_what_it_means() -> None:
    found = re.findall(r"^# (.+)\n# (RENKEI_\w+)=(.*)$", EXAMPLE, re.MULTILINE)

    assert {name: default for _, name, default in found} == DEFAULTS
    assert len(found) == len(DEFAULTS)


def test_the_example_sets_nothing_by_itself(tmp_path: Path) -> None:
    assert [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")] == []


def test_the_example_is_taken_by_the_hub_once_its_marks_are_removed(tmp_path: Path) -> None:
    file = tmp_path / "renkei.env"
    file.write_text(re.sub(r"^# (RENKEI_\w+=)", r"\1", EXAMPLE, flags=re.MULTILINE))

    assert Settings(_env_file=file) == Settings()


def test_a_misspelt_setting_in_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "renkei.env"
    file.write_text("RENKEI_DATABSE=postgresql://renkei@db/renkei\n")

    with pytest.raises(ValueError, match="renkei_databse"):
        Settings(_env_file=file)


def test_a_secret_is_read_from_a_file_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "renkei_database").write_text("postgresql://renkei:secret@db/renkei\n")

    assert Settings(_secrets_dir=tmp_path).database == "postgresql://renkei:secret@db/renkei"


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENKEI_KEYS", "")

    assert Settings().keys_folder == Path("var/keys")
