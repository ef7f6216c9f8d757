"""Pages lead to each other."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked() -> list[Path]:
    """Every file of the project, also one that is not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


PAGES = [path for path in tracked() if path.suffix == ".md"]


def links(page: Path) -> list[tuple[Path, str]]:
    """The files that a page links to, and the heading inside them."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [target for target in found if not re.match(r"[a-z]+:", target)]
    return [((page.parent / target.partition("#")[0]).resolve(), target.partition("#")[2]) for target in local]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    missing = [str(target) for target, _ in links(page) if not target.exists()]
    wrong = [f"{target}#{anchor}" for target, anchor in links(page) if anchor and anchor not in anchors(target)]

    assert (missing, wrong) == ([], [])


def test_every_file_of_docs_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [target for target, _ in links(page)] if page.suffix == ".md" and page.exists() else []

    files = {path for path in tracked() if path.is_relative_to(ROOT / "docs")}

    assert sorted(str(path.relative_to(ROOT)) for path in files - reached) == []
