"""The languages of the pages: one table of texts each, and which one a request wants."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.requests import Request

from app.languages import LANGUAGES, Language, accepted, is_language

__all__ = ["COOKIE", "LANGUAGES", "Language", "Words", "language_of", "texts", "words"]

COOKIE = "renkei_lang"

_FOLDER = Path(__file__).parent / "texts"


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{key}.")
        else:
            found[before + key] = value
    return found


@lru_cache
def texts(language: str) -> Mapping[str, str]:
    """Return the texts of a language by their keys: `patients.title`."""
    return _flat(tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8")))


class Words:
    """The texts of one language; called with a key and what stands in its braces."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = texts(language)

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of `key`, with `values` in its braces.

        Raises:
            KeyError: there is no such text.
        """
        text = self._texts[key]
        return text.format(**values) if values else text

    def maybe(self, key: str, otherwise: str) -> str:
        """Return the text of `key`, or `otherwise` when there is none."""
        return self._texts.get(key, otherwise)


@lru_cache
def words(language: str) -> Words:
    """Return the words of a language, read once."""
    return Words(language)


def language_of(request: Request) -> Language:
    """Return the language of the answer: `?lang=`, else the cookie's, else the browser's."""
    for stated in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if is_language(stated):
            return stated
    return accepted(request.headers.get("accept-language", ""))
