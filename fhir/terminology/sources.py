"""Where code systems, value sets and concept maps come from, and what was made of them.

Each source is asked in turn: the first that knows a canonical URL is believed. What is made of a definition is kept
with its source, which never changes.

https://hl7.org/fhir/R4/references.html#canonical
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from fhir.profiles.compiling import about_to_compile
from fhir.profiles.definitions import MALFORMED, Definition, Definitions
from fhir.spec.elements import lines
from fhir.terminology.code_system import CodeSystem
from fhir.terminology.concept_map import ConceptMap

_VALUE_SET = re.compile(rb'"valueSet"\s*:\s*"([^"\\]+)"')


@cache
def published() -> Definitions:
    """Return R4's own code systems, value sets and concept maps."""
    found = []
    for key, line in lines("terminology.json.gz").items():
        type_name, _, url = key.partition("|")
        version = json.loads(line).get("version", "")
        found.append(Definition(type_name, url, version, line.__bytes__))
    return Definitions(found)


@dataclass(frozen=True)
class Versions:
    """Which versions of code systems are meant, by their URLs. https://hl7.org/fhir/R4/valueset-operation-expand.html."""

    default: Mapping[str, str] = field(default_factory=dict)
    """Where a value set names none."""
    forced: Mapping[str, str] = field(default_factory=dict)
    """Whatever a value set names."""

    def __bool__(self) -> bool:
        return bool(self.default or self.forced)


class Terminology:
    """What is known of terminology.

    Args:
        sources: Where definitions are looked up, in turn.
        versions: Which versions of code systems are meant.

    Attributes:
        kept: What was made of value sets; it belongs to this terminology, since they refer to each other.
    """

    def __init__(self, sources: Sequence[Definitions], versions: Versions | None = None) -> None:
        self.sources = tuple(sources)
        self.versions = versions or Versions()
        self.kept: dict[Any, Any] = {}

    def known(self, type_name: str, canonical: str) -> tuple[Definitions, Definition] | None:
        """Return a definition, not read yet, and its source; None when no source knows it.

        Args:
            type_name: `CodeSystem`, `ValueSet` or `ConceptMap`.
            canonical: Its URL; with `|version` that version, without the newest.
        """
        for source in self.sources:
            found = source.known(type_name, canonical)
            if found is not None:
                return source, found
        return None

    def near(self, type_name: str, canonical: str) -> tuple[Definitions, Definition] | None:
        """Return the same; in another version when that one is not known."""
        return self.known(type_name, canonical) or self.known(type_name, canonical.partition("|")[0])

    def read(self, type_name: str, canonical: str) -> dict[str, Any] | None:
        """Return a definition, in another version when that one is not known; None when there is none."""
        found = self.near(type_name, canonical)
        return None if found is None else parsed(found[1])

    def implied(self, canonical: str) -> dict[str, Any] | None:
        """Return the value set of all codes of a code system that names it in `valueSet`; None when none does.

        https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.valueSet
        """
        system = next((found for one in self.sources if (found := _implied(one).get(canonical))), None)
        if system is None:
            return None
        url, _, version = canonical.partition("|")
        header = {"resourceType": "ValueSet", "url": url, **({"version": version} if version else {})}
        return {**header, "status": "active", "compose": {"include": [{"system": system}]}}

    def code_system(self, url: str, version: str = "", *, exact: bool = False) -> CodeSystem | None:
        """Return a code system; None when it is not known, or cannot be read.

        Args:
            url: Its canonical URL.
            version: Its version, empty for the newest.
            exact: Whether no other version will do.
        """
        version = self.versions.forced.get(url) or version or self.versions.default.get(url, "")
        canonical = f"{url}|{version}" if version else url
        found = (self.known if exact else self.near)("CodeSystem", canonical)
        return None if found is None else made(*found, CodeSystem)

    def concept_map(self, canonical: str) -> ConceptMap | None:
        """Return a concept map; None when it is not known, or cannot be read."""
        found = self.known("ConceptMap", canonical)
        return None if found is None else made(*found, ConceptMap)

    def concept_maps(self) -> list[ConceptMap]:
        """Return every concept map."""
        maps = [made(source, one, ConceptMap) for source in self.sources for one in source.of_type("ConceptMap")]
        return [one for one in maps if one is not None]


def _implied(source: Definitions) -> Mapping[str, str]:
    """Return the code systems of a source by the value sets that they name, kept with it."""
    if "implied" not in source.kept:
        about_to_compile()
        # The element is there once, and to read whole code systems for it would take long.
        stated = [(one.url, _VALUE_SET.search(one.read())) for one in source.of_type("CodeSystem")]
        source.kept["implied"] = {found[1].decode("utf-8", "replace"): url for url, found in stated if found}
    kept: Mapping[str, str] = source.kept["implied"]
    return kept


def made(source: Definitions, definition: Definition, form: Any) -> Any:
    """Return what `form` makes of a definition, kept with its source; None when that cannot be read."""
    key = form.__name__, definition.url, definition.version
    if key not in source.kept:
        about_to_compile()
        try:
            source.kept[key] = form(parsed(definition))
        except MALFORMED:
            source.kept[key] = None
    return source.kept[key]


def parsed(definition: Definition) -> dict[str, Any]:
    """Return a definition's JSON; it is not kept, since it may be large."""
    found: dict[str, Any] = json.loads(definition.read())
    return found


def of_packages(definitions: Definitions) -> Terminology:
    """Return the terminology of loaded packages and of R4 itself, kept with the packages."""
    found: Terminology | None = definitions.kept.get("terminology")
    if found is None:
        about_to_compile()
        found = definitions.kept["terminology"] = Terminology((definitions, published()))
    return found
