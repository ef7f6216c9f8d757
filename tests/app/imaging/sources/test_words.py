"""How a source fails is said in English, and in the languages of the portal."""

import tomllib
from pathlib import Path

import pytest

import app.portal
from app.imaging.sources.failures import SourceFailed
from app.imaging.sources.state import State
from app.imaging.sources.words import SENTENCES, Said, read_noted

TEXTS = Path(app.portal.__file__).parent / "texts"


@pytest.mark.parametrize("why", SENTENCES)
def test_each_failure_is_known_by_what_is_noted_of_it_and_has_its_texts(why: str) -> None:
    detail = "unknown ca: {x}" if "{detail}" in SENTENCES[why] else ""

    failure = SourceFailed.because("pacs: (a)", why, detail)

    assert str(failure) == SENTENCES[why].format(name="pacs: (a)", detail=detail)
    assert read_noted(failure.noted) == Said(why, detail)
    for language in ("ja", "en"):
        texts = tomllib.loads((TEXTS / f"{language}.toml").read_text())["sources"]
        assert ("{detail}" in texts[f"why_{why}"]) == ("{detail}" in SENTENCES[why])


def test_what_nobody_knows_is_shown_as_it_is() -> None:
    assert SourceFailed("It does not answer").noted == "It does not answer"
    assert read_noted("It does not answer") is None


@pytest.mark.parametrize(
    ("noted", "sentence"),
    [
        (SourceFailed.because("pacs-a", "slow").noted, "The imaging source pacs-a does not answer in time"),
        ("The imaging source pacs-a refuses a C-FIND", "The imaging source pacs-a refuses a C-FIND"),
    ],
    ids=["noted by its key", "noted as a sentence, by a release before"],
)
def test_a_state_says_the_last_failure_in_english(noted: str, sentence: str) -> None:
    state = State(1, 0, 0, 1, 0, noted, "", 0, 0)

    assert state.sentence("pacs-a") == sentence
