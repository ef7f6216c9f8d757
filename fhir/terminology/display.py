"""What a concept is called in a language.

https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.concept.designation
"""

from collections.abc import Sequence
from typing import Any

from fhir.search.string import folded
from fhir.terminology.code_system import CodeSystem

MOST_LANGUAGES = 10


def languages(text: str) -> tuple[str, ...]:
    """Return the languages of a list like `ja-JP, en;q=0.5`, in its order."""
    found = [one.partition(";")[0].strip().lower() for one in text.split(",")]
    return tuple(one for one in found if one and one != "*")[:MOST_LANGUAGES]


def speaks(language: str, wanted: str) -> bool:
    """Return whether a language is the wanted one, or a kind of it, or what it is a kind of: `ja` and `ja-JP`."""
    language = language.lower()
    return language == wanted or language.startswith(f"{wanted}-") or wanted.startswith(f"{language}-")


def display(table: CodeSystem, number: int, wanted: Sequence[str]) -> str:
    """Return what a concept is called in the first language in which it has a name, else its display."""
    for language in wanted:
        if table.language and speaks(table.language, language):
            break
        for one in table.rest(number).get("designation", ()):
            if speaks(one.get("language", "-"), language):
                return str(one.get("value", ""))
    return table.displays[number]


def is_called(table: CodeSystem, number: int, name: str) -> bool:
    """Return whether a concept has a name, without regard to case, width and spaces."""
    wanted = " ".join(folded(name).split())
    named = [table.displays[number], *(one.get("value", "") for one in table.rest(number).get("designation", ()))]
    return any(" ".join(folded(one).split()) == wanted for one in named)


def designations(table: CodeSystem, number: int, wanted: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the designations of a concept.

    Args:
        table: Where it is.
        number: Which it is.
        wanted: Languages, or uses as `system|code`; empty for all.
    """
    found: list[dict[str, Any]] = table.rest(number).get("designation", [])
    return [one for one in found if not wanted or any(_is(one, mark) for mark in wanted)]


def _is(designation: dict[str, Any], mark: str) -> bool:
    system, bar, code = mark.rpartition("|")
    if not bar:
        return speaks(designation.get("language", "-"), mark.lower())
    use = designation.get("use", {})
    if system in ("", "urn:ietf:bcp:47") and "language" in designation:
        return speaks(designation["language"], code.lower())
    return use.get("code") == code and system in ("", use.get("system"))
