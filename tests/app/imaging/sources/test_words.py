"""How a source fails is said in English, and in the languages of the portal."""

import tomllib
from pathlib import Path

import pytest

import app.portal
from app.imaging.sources.words import SENTENCES, Said, said, taken_apart

TEXTS = Path(app.portal.__file__).parent / "texts"


@pytest.mark.parametrize("why", SENTENCES)
def test_each_sentence_is_known_again_and_has_its_texts(why: str) -> None:
    detail = "unknown ca: {x}" if "{detail}" in SENTENCES[why] else ""

    assert taken_apart(said(why, "pacs: (a)", detail)) == Said(why, detail)
    for language in ("ja", "en"):
        texts = tomllib.loads((TEXTS / f"{language}.toml").read_text())["sources"]
        assert ("{detail}" in texts[f"why_{why}"]) == ("{detail}" in SENTENCES[why])


def test_what_nobody_knows_is_shown_as_it_is() -> None:
    assert taken_apart("It does not answer") is None
