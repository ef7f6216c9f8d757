"""docs/security.md has a row for each attack of the catalogue, and the tests that it names exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
LINES = {"A": 13, "B": 8, "C": 5, "D": 11, "E": 10, "F": 8, "G": 10, "H": 6}
"""How many attacks the catalogue has under each letter."""

ROWS = dict(re.findall(r"^\| ([A-H][0-9]+) \| (.+) \|$", PAGE, re.MULTILINE))
_LINK = re.compile(r"\[([a-z0-9 ]+)\]\(\.\./(tests/[\w/]+\.py)\)")


def linked(row: str) -> list[tuple[str, str]]:
    """Return the files and the names of the tests that a row links."""
    return [(path, "test_" + words.replace(" ", "_")) for words, path in _LINK.findall(row)]


def in_file(path: str) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)\(", (ROOT / path).read_text(), re.MULTILINE))


def test_every_attack_has_a_row_in_its_order() -> None:
    assert list(ROWS) == [f"{letter}{number + 1}" for letter, count in LINES.items() for number in range(count)]


@pytest.mark.parametrize("id_", ROWS)
def test_a_row_names_tests_that_exist_or_says_that_it_comes_later(id_: str) -> None:
    found = linked(ROWS[id_])

    assert [(path, name) for path, name in found if name not in in_file(path)] == []
    assert found or re.search(r"\blater\b", ROWS[id_])
    assert len(found) == ROWS[id_].count("](../tests/")


def test_a_test_that_is_named_after_an_attack_is_in_its_row() -> None:
    missing = []
    for path in sorted((ROOT / "tests" / "attacks").glob("test_*.py")):
        for name in sorted(in_file(str(path.relative_to(ROOT)))):
            id_ = name.split("_")[1].upper()
            if (str(path.relative_to(ROOT)), name) not in linked(ROWS.get(id_, "")):
                missing.append((id_, name))

    assert missing == []
