"""What does not belong into the project: places of one machine, words of one workplace."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# One letter of each is in brackets, so that this file does not hold what it looks for.
WORDS = {
    "a path of one machine": r"(?<![\w.])/(?:wor[k]|roo[t]|home/\w+|User[s])/",
    "a package index": r"(?:pyp[i]\.org|files\.pythonhoste[d]|registry\.npmj[s])",
    "an assistant": r"\b(?:ChatGP[T]|Claud[e]|Copilo[t]|LL[M]|A[I][- ](?:agent|assistant|generated))\b",
    "a mark of unfinished work": r"\b(?:FIXM[E]|XX[X])\b",
}


def texts() -> list[tuple[str, str]]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = []
    for name in listed.splitlines():
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".gz", ".ico", ".woff2", ".dcm", ".lock"}:
            found.append((name, path.read_text(errors="replace")))
    return found


@pytest.mark.parametrize("what", WORDS)
def test_no_file_holds(what: str) -> None:
    word = re.compile(WORDS[what])

    found = [f"{name}: {match[0]}" for name, text in texts() if (match := word.search(text))]

    assert found == []


@pytest.mark.parametrize(
    ("what", "backwards"),
    [
        ("a path of one machine", "x/krow/ ees"),
        ("a package index", "elpmis/gro.ipyp//:sptth"),
        ("an assistant", "MLL na yb nettirw"),
        ("a mark of unfinished work", "EMXIF #"),
    ],
)
def test_the_words_are_found_where_they_are(what: str, backwards: str) -> None:
    assert re.search(WORDS[what], backwards[::-1])
