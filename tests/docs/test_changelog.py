"""CHANGELOG.md has the form of Keep a Changelog. https://keepachangelog.com/en/1.1.0/"""

import re
from pathlib import Path

LINES = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text().splitlines()
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_it_begins_with_what_is_not_released() -> None:
    assert LINES[0] == "# Changelog"
    assert next(line for line in LINES if line.startswith("## ")) == "## Unreleased"


def test_releases_have_a_version_and_a_day() -> None:
    releases = [line for line in LINES if line.startswith("## ")][1:]

    assert [line for line in releases if not re.fullmatch(r"## \d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}", line)] == []


def test_changes_are_of_the_known_kinds() -> None:
    kinds = [line.removeprefix("### ") for line in LINES if line.startswith("### ")]

    assert kinds
    assert set(kinds) <= KINDS


def test_every_change_is_a_sentence() -> None:
    text = "\n".join(LINES)
    changes = re.findall(r"^- (.+?)(?=^[-#]|\Z)", text, re.MULTILINE | re.DOTALL)

    assert changes
    assert [one for one in changes if not re.fullmatch(r"[A-Z`].*\.", one.strip(), re.DOTALL)] == []
