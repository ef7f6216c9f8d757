"""Decisions are numbered, short, and say the same three things."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_has_its_number_and_three_sections(record: Path) -> None:
    headings = re.findall(r"^#+ (.+)$", record.read_text(), re.MULTILINE)

    assert headings[0].startswith(f"{record.name[:4]} ")
    assert headings[1:] == ["Context", "Decision", "Consequences"]


def test_numbers_are_given_once_and_without_gaps() -> None:
    assert [record.name[:4] for record in RECORDS] == [f"{number:04d}" for number in range(1, len(RECORDS) + 1)]


def test_the_index_names_every_record_by_its_title() -> None:
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    titles = [(record.read_text().splitlines()[0].removeprefix("# "), record.name) for record in RECORDS]

    assert listed == titles
