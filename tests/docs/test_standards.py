"""docs/standards.md has a row for each of the 26 standards, and names only tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "standards.md").read_text()
KEYS = [
    *("HS001", "HS005", "HS007", "HS008", "HS009", "HS011", "HS012", "HS013", "HS014", "HS016", "HS017", "HS022"),
    *("HS024", "HS026", "HS027", "HS028", "HS030", "HS031", "HS032", "HS033", "HS034", "HS035", "HS036", "HS037"),
    *("HS038", "HS039"),
]
WITHOUT_TESTS = {"HS030"}
COLUMNS = 6


def rows() -> list[list[str]]:
    """The cells of each standard."""
    found = re.findall(r"^\| (HS\d{3} \|.*) \|$", PAGE, re.MULTILINE)
    return [[cell.strip() for cell in one.split("|")] for one in found]


def test_every_standard_has_its_row_once() -> None:
    assert [cells[0] for cells in rows()] == KEYS
    assert len(KEYS) == 26


@pytest.mark.parametrize("cells", rows(), ids=lambda cells: cells[0])
def test_a_row_is_whole_and_names_tests_that_exist(cells: list[str]) -> None:
    tests = re.findall(r"\[(\w+)\]\(\.\./(tests/[\w/]+\.py)\)", cells[-1])

    assert len(cells) == COLUMNS
    assert all(cells[1:2])
    assert cells[2] or cells[3]
    assert cells[4]
    assert bool(tests) is (cells[0] not in WITHOUT_TESTS)
    assert [path for name, path in tests if not (ROOT / path).is_file() or Path(path).stem != name] == []
