"""docs/identity.md and the texts of the portal name every rule of the index, with its weight."""

import re
from pathlib import Path

from app.identity.decide import POSSIBLE_FROM, PROBABLE_FROM
from app.identity.evidence import WEIGHTS
from app.portal.language import LANGUAGES, texts

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "identity.md").read_text()
CERTAIN = set(
    re.findall(r'"(certain\.[a-z-]+)"', (Path(__file__).resolve().parents[2] / "app/identity/decide.py").read_text())
)


def test_the_page_has_each_rule_with_its_weight() -> None:
    stated = {rule: int(weight) for rule, weight in re.findall(r"`([a-z]+(?:\.[a-z]+)?)` \| ([+-]\d+) \|", PAGE)}

    assert stated == WEIGHTS
    assert f"From {PROBABLE_FROM} on a pair is *probable*, from {POSSIBLE_FROM} on *possible*" in PAGE


def test_the_page_has_each_rule_of_certainty() -> None:
    assert len(CERTAIN) == 9
    assert set(re.findall(r"^\| `(certain\.[a-z-]+)`", PAGE, re.MULTILINE)) == CERTAIN


def test_the_portal_has_words_for_each_rule() -> None:
    for language in LANGUAGES:
        assert {f"identity.rule.{rule}" for rule in (*WEIGHTS, *CERTAIN)} <= texts(language).keys()
