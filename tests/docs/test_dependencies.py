"""The table of dependencies is that of pyproject.toml and of the lock."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "decisions" / "0006-dependencies.md").read_text()
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| ([\w.-]+) \| ([\d.]+) \| (.+?) \| (.+?) \|", PAGE, re.MULTILINE)}


def names() -> list[str]:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return [re.split(r"[\[><=]", one)[0] for one in wanted]


def locked() -> dict[str, set[str]]:
    """The versions of each package in the lock; markers may choose between several."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE):
        found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), set()).add(version)
    return found


def test_every_dependency_has_a_row_and_every_row_a_dependency() -> None:
    assert sorted(ROWS) == sorted(names())


def test_rows_state_the_pinned_version() -> None:
    pinned = locked()

    wrong = {name: row[0] for name, row in ROWS.items() if row[0] not in pinned[re.sub(r"[-_.]+", "-", name).lower()]}

    assert wrong == {}


def test_everything_in_the_lock_is_checked_by_hashes() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text()
        pins = re.findall(r"^[\w.-]+==", text, re.MULTILINE)

        entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]

        assert len(entries) == len(pins) > 20
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
