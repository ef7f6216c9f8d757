"""Codes in other systems beside those of the sender, where a map that is loaded says that they mean the same.

https://hl7.org/fhir/R4/datatypes.html#CodeableConcept, https://hl7.org/fhir/R4/conceptmap.html
"""

from collections.abc import Sequence
from typing import Any

from fhir.documents.rows import Terms
from fhir.documents.words import Language
from fhir.profiles.definitions import Definitions
from fhir.terminology.concept_map import ConceptMap
from fhir.terminology.display import designations, speaks
from fhir.terminology.sources import Terminology, made

_SAME = frozenset({"equal", "equivalent"})
"""Equivalences by which nothing is lost or added; a wider or a narrower code would be an invention."""

_LEFT_ALONE = frozenset({"meta", "clinicalStatus", "verificationStatus", "contained"})
"""Elements whose codes R4 fixes, or that are no part of what is told."""


class LoadedTerms:
    """What loaded packages know of codes, in one language; asked once for each code.

    Args:
        known: The terminology of the packages and of R4.
        packages: The packages alone, whose maps are read.
        language: In which concepts are named.
    """

    def __init__(self, known: Terminology, packages: Definitions, language: Language) -> None:
        self._known = known
        self._language = language
        self._maps = _by_source(packages)
        self._called: dict[tuple[str, str], str] = {}

    def called(self, system: str, code: str) -> str:
        """Return what a code is called; empty when no loaded code system has a name of it in the language."""
        key = system, code
        if key not in self._called:
            self._called[key] = self._look_up(system, code) if system and code else ""
        return self._called[key]

    def _look_up(self, system: str, code: str) -> str:
        table = self._known.code_system(system)
        number = None if table is None else table.find(code)
        if table is None or number is None:
            return ""
        if table.language and speaks(table.language, self._language):
            return table.displays[number]
        return next((str(one.get("value", "")) for one in designations(table, number, [self._language])), "")

    def translations(self, system: str, code: str) -> list[dict[str, str]]:
        """Return the codings in other systems that a loaded map calls equal or equivalent, each once."""
        found: dict[tuple[str, str], dict[str, str]] = {}
        for one in self._maps.get(system, ()):
            for match in one.translate(system, code):
                if match.equivalence in _SAME and match.system and match.code and not match.depends_on:
                    coding = {"system": match.system, "code": match.code}
                    shown = match.display or self.called(match.system, match.code)
                    found.setdefault((match.system, match.code), coding | ({"display": shown} if shown else {}))
        return list(found.values())


def _by_source(packages: Definitions) -> dict[str, list[ConceptMap]]:
    """Return the maps of packages by the systems that they lead from, kept with the packages."""
    kept: dict[str, list[ConceptMap]] | None = packages.kept.get("maps by source")
    if kept is None:
        kept = packages.kept["maps by source"] = {}
        for definition in packages.of_type("ConceptMap"):
            one = made(packages, definition, ConceptMap)
            for system in {group.source for group in one.groups} if one is not None else ():
                kept.setdefault(system, []).append(one)
    return kept


class Translated:
    """Adds codings to the concepts of one resource.

    Attributes:
        changed: Whether any was added.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.changed = False

    def tree(self, node: Any) -> Any:
        """Return a tree whose concepts have their translations behind what the sender wrote.

        The sender's first coding is then the one that was chosen (`userSelected`), unless the sender says otherwise.
        """
        if isinstance(node, list):
            return [self.tree(item) for item in node]
        if not isinstance(node, dict):
            return node
        told = {key: value if key in _LEFT_ALONE else self.tree(value) for key, value in node.items()}
        codings = told.get("coding")
        if not isinstance(codings, list) or not (added := self._added(codings)):
            return told
        self.changed = True
        if not any("userSelected" in one for one in codings):
            codings = [{**codings[0], "userSelected": True}, *codings[1:]]
        return {**told, "coding": [*codings, *added]}

    def _added(self, codings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        there = {(one.get("system"), one.get("code")) for one in codings}
        systems = {one.get("system") for one in codings}
        added = []
        for one in codings:
            for coding in self._terms.translations(one.get("system", ""), one.get("code", "")):
                # What the sender said in a system is what it meant there.
                if coding["system"] not in systems and (coding["system"], coding["code"]) not in there:
                    there.add((coding["system"], coding["code"]))
                    added.append({**coding, "userSelected": False})
        return added
