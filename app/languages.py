"""Which language a request is answered in. RFC 9110, section 12.5.4 (Accept-Language)."""

from typing import Literal, TypeGuard

Language = Literal["ja", "en"]

LANGUAGES: tuple[Language, ...] = ("ja", "en")
"""The first is the default."""


def is_language(text: str | None) -> TypeGuard[Language]:
    """Return whether a text names a language that is written."""
    return text in LANGUAGES


def accepted(header: str) -> Language:
    """Return the language that an Accept-Language header likes best."""
    best, weight = LANGUAGES[0], 0.0
    for part in header.split(","):
        tag, _, parameter = part.strip().partition(";")
        quality = parameter.strip().removeprefix("q=")
        try:
            found = float(quality) if quality else 1.0
        except ValueError:
            continue
        language = tag.strip().lower().partition("-")[0]
        if is_language(language) and found > weight:
            best, weight = language, found
    return best
