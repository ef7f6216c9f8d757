"""A code system in memory: tens of thousands of concepts in a few megabytes, each found in microseconds.

https://hl7.org/fhir/R4/codesystem.html
"""

import json
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from fhir.search.string import folded
from fhir.terminology.texts import TextIndex, Texts

ABSTRACT, INACTIVE = 1, 2
"""Bits of what is told of a concept: not for use itself, no longer for use."""

MOST_CONCEPTS = 500_000
"""The most concepts of a code system."""

_SMALL = 1_000
"""Up to so many concepts, codes are found by a dict."""

_LARGE = frozenset({"http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"})
_LEAST_OF_LARGE = 20_000
"""Packages bring excerpts of these and call them complete, as JP-CLINS 1.5.2 does with two codes of LOINC."""

_STANDARD = "http://hl7.org/fhir/concept-properties#"
_PARENTS, _CHILDREN = frozenset({"parent", "subsumedBy"}), frozenset({"child"})
_NOT_SELECTABLE, _INACTIVE, _STATUS = "notSelectable", "inactive", "status"
_RETIRED = frozenset({"retired", "inactive"})
_NO_TREE = frozenset({"grouped-by", "part-of"})


def value_of(part: Mapping[str, Any]) -> Any:
    """Return the value of a property, None when it has none."""
    return next((value for name, value in part.items() if name.startswith("value")), None)


class CodeSystem:
    """The concepts of a code system, by their numbers in the order of the resource.

    Attributes:
        url: Its canonical URL.
        version: Its version, empty when it has none.
        title: How people call it.
        content: `complete`, `fragment`, `example`, `not-present` or `supplement`.
        language: That of the displays, empty when it is not told.
        value_set: The value set of all its codes, empty when there is none.
        is_tree: Whether what lies below a concept is subsumed by it.
        codes: The codes.
        displays: Their displays, empty where there is none.
        flags: `ABSTRACT` and `INACTIVE` of each.
        declared: The properties that concepts may have.
    """

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self.url: str = resource["url"]
        self.version: str = resource.get("version", "")
        self.title: str = resource.get("title") or resource.get("name") or self.url
        self.content: str = resource.get("content", "not-present")
        self.language: str = resource.get("language", "")
        self.value_set: str = resource.get("valueSet", "")
        self.is_tree = resource.get("hierarchyMeaning") not in _NO_TREE
        self._folds = resource.get("caseSensitive") is False
        self.declared: Sequence[Mapping[str, Any]] = resource.get("property", ())
        self._standard = {
            one["code"]: one["uri"].removeprefix(_STANDARD)
            for one in self.declared
            if str(one.get("uri", "")).startswith(_STANDARD)
        }
        concepts = list(_flat(resource.get("concept", ()), -1))
        self.codes = Texts(one["code"] for one, _ in concepts)
        self.displays = Texts(one.get("display", "") for one, _ in concepts)
        self._rest = Texts(_rest(one) for one, _ in concepts)
        self.flags = bytes(self._flags(one) for one, _ in concepts)
        if self.url in _LARGE and len(self) < _LEAST_OF_LARGE and self.content == "complete":
            self.content = "fragment"
        self._index: dict[str, int] | TextIndex = self._indexed()
        self._parents, self._more = self._placed(concepts)

    def __len__(self) -> int:
        return len(self.codes)

    def _key(self, code: str) -> str:
        return code.casefold() if self._folds else code

    def _indexed(self) -> dict[str, int] | TextIndex:
        if len(self) > _SMALL:
            return TextIndex(Texts(self._key(code) for code in self.codes) if self._folds else self.codes)
        # Backwards, so that of equal codes the first is found.
        return {self._key(self.codes[number]): number for number in range(len(self) - 1, -1, -1)}

    def meaning(self, name: str) -> str:
        """Return what FHIR calls a property of this name, or the name itself."""
        return str(self._standard.get(name, name))

    def _flags(self, concept: Mapping[str, Any]) -> int:
        flags = 0
        for one in concept.get("property", ()):
            meaning, value = self.meaning(one["code"]), value_of(one)
            if meaning == _NOT_SELECTABLE and value in (True, "true"):
                flags |= ABSTRACT
            if (meaning == _INACTIVE and value in (True, "true")) or (meaning == _STATUS and value in _RETIRED):
                flags |= INACTIVE
        return flags

    def _placed(self, concepts: Sequence[tuple[Mapping[str, Any], int]]) -> tuple["array[int]", dict[int, set[int]]]:
        """Return the parent of each concept, -1 for none, and the further ones of those that have several."""
        parents = array("i", [parent for _, parent in concepts])
        more: dict[int, set[int]] = {}
        for number, (concept, _) in enumerate(concepts):
            for one in concept.get("property", ()):
                meaning = self.meaning(one["code"])
                if meaning not in _PARENTS and meaning not in _CHILDREN:
                    continue
                other = self.find(str(value_of(one)))
                if other is None:
                    continue
                child, parent = (number, other) if meaning in _PARENTS else (other, number)
                if parents[child] == -1:
                    parents[child] = parent
                elif parents[child] != parent:
                    more.setdefault(child, set()).add(parent)
        return parents, more

    def find(self, code: str) -> int | None:
        """Return the number of a code, None when it is not here."""
        key = self._key(code)
        return self._index.get(key) if isinstance(self._index, dict) else self._index.find(key)

    def rest(self, number: int) -> dict[str, Any]:
        """Return `definition`, `designation` and `property` of a concept, where it has them."""
        text = self._rest[number]
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    def parents(self, number: int) -> list[int]:
        """Return the concepts right above one."""
        first = self._parents[number]
        return [] if first == -1 else [first, *sorted(self._more.get(number, ()))]

    def children(self, number: int) -> Sequence[int]:
        """Return the concepts right below one."""
        return self._children.get(number, ())

    @cached_property
    def _children(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for number in range(len(self)):
            for parent in self.parents(number):
                found.setdefault(parent, []).append(number)
        return found

    def ancestors(self, number: int) -> set[int]:
        """Return all concepts above one, without itself."""
        return _reached(number, self.parents)

    def descendants(self, number: int) -> set[int]:
        """Return all concepts below one, without itself."""
        return _reached(number, self.children)

    def with_property(self, name: str) -> Iterator[tuple[int, list[Any]]]:
        """Yield the concepts that have a property, with its values."""
        mark = json.dumps(name, ensure_ascii=False)
        for number in range(len(self)):
            text = self._rest[number]
            if mark in text:
                values = [value_of(one) for one in json.loads(text).get("property", ()) if one["code"] == name]
                if values:
                    yield number, values

    @cached_property
    def _lines(self) -> tuple[str, "array[int]"]:
        """What is looked through: a line for each concept, and where it begins."""
        starts, lines, at = array("I"), [], 0
        for number in range(len(self)):
            words = [self.codes[number], self.displays[number]]
            if '"designation"' in self._rest[number]:
                words += [one.get("value", "") for one in self.rest(number).get("designation", ())]
            line = folded("\t".join(words)).replace("\n", " ")
            starts.append(at)
            lines.append(line)
            at += len(line) + 1
        return "\n".join(lines), starts

    def search(self, text: str) -> Iterator[int]:
        """Yield the concepts whose code, display or designations contain every word of a text, folded."""
        words = sorted(set(folded(text).split()), key=len, reverse=True)
        if not words:
            yield from range(len(self))
            return
        lines, starts = self._lines
        at = lines.find(words[0])
        while at != -1:
            number = bisect_right(starts, at) - 1
            end = starts[number + 1] - 1 if number + 1 < len(starts) else len(lines)
            if all(lines.find(word, starts[number], end) != -1 for word in words[1:]):
                yield number
            at = lines.find(words[0], end)


def _flat(concepts: Iterable[Mapping[str, Any]], parent: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield each concept and the number of the one it lies in; without recursion, which a tree could exhaust."""
    number = 0
    waiting = [(iter(concepts), parent)]
    while waiting:
        level, above = waiting[-1]
        concept = next(level, None)
        if concept is None:
            waiting.pop()
            continue
        if number == MOST_CONCEPTS:
            raise ValueError("a code system has too many concepts")
        yield concept, above
        waiting.append((iter(concept.get("concept", ())), number))
        number += 1


def _rest(concept: Mapping[str, Any]) -> str:
    kept = {name: concept[name] for name in ("definition", "designation", "property") if name in concept}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")) if kept else ""


def _reached(number: int, step: Any) -> set[int]:
    found: set[int] = set()
    waiting = list(step(number))
    while waiting:
        one = waiting.pop()
        if one not in found and one != number:
            found.add(one)
            waiting += step(one)
    return found
