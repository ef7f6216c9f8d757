"""docs/guideline.md has a row for each requirement, and names only settings and tests that exist."""

import re
from pathlib import Path

import pytest

from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "guideline.md").read_text()
COLUMNS = 7
KEYS = {
    *(f"A{number}" for number in range(1, 9)),
    *(f"B{number}" for number in range(1, 5)),
    *(f"C{number}" for number in range(1, 5)),
    *("D1", "D2", "D3", "E1", "E2", "F1"),
    *(f"G{number}" for number in range(1, 6)),
    *("H1", "H2", "I1", "J1", "K1", "K2", "K3"),
}
"""The requirements: A1 to J1, and K for 真正性・見読性・保存性."""


def rows(page: str = PAGE) -> dict[str, list[str]]:
    """The cells of each requirement, by its key."""
    found = re.findall(r"^\| ([A-Z]\d+) \|(.*)\|$", page, re.MULTILINE)
    return {key: [key, *(cell.strip() for cell in cells.split("|"))] for key, cells in found}


def missing(cells: list[str]) -> list[str]:
    """What a row names and does not exist."""
    settings = {f"RENKEI_{name.upper()}" for name in Settings.model_fields}
    named = re.findall(r"`(\w+)`", cells[5])
    tests = re.findall(r"\[(\w+)\]\(\.\./(tests/[\w/]+\.py)\)", cells[6])
    wrong = [name for name in named if name not in settings]
    return wrong + [path for name, path in tests if not (ROOT / path).is_file() or Path(path).stem != name]


def test_every_requirement_has_its_row_once() -> None:
    assert sorted(re.findall(r"^\| ([A-Z]\d+) \|", PAGE, re.MULTILINE)) == sorted(KEYS)


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_row_is_whole_and_names_what_exists(key: str) -> None:
    cells = rows()[key]

    assert len(cells) == COLUMNS
    assert [cell for cell in cells[:5] if len(cell) < 2 and cell != ""] == []
    assert all(cells[1:4])
    assert "](../tests/" in cells[6]
    assert missing(cells) == []


@pytest.mark.parametrize(
    "row",
    [
        "| A1 | シス | a | b | c | `RENKEI_NOTHING` | [test_suite](../tests/app/test_suite.py) |",
        "| A1 | シス | a | b | c | | [test_gone](../tests/app/test_gone.py) |",
        "| A1 | シス | a | b | c | | [test_other](../tests/app/test_suite.py) |",
    ],
    ids=["a setting", "a test", "a test by another name"],
)
def test_what_does_not_exist_is_seen(row: str) -> None:
    assert len(missing(rows(row)["A1"])) == 1
