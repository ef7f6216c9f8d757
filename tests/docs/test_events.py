"""docs/atna.md lists every kind of event that the log knows, and no other."""

import re
from pathlib import Path

from app.audit.patterns import PATTERNS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "atna.md").read_text()


def test_every_kind_of_event_is_listed_once() -> None:
    section = PAGE.partition("## Events")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| [^|`]+ \| (.+) \|$", section, re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`([\w-]+)`", row)]

    assert sorted(listed) == sorted(PATTERNS)
