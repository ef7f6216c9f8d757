"""A concept map in memory: tens of thousands of elements in a few megabytes, each found in microseconds.

https://hl7.org/fhir/R4/conceptmap.html
"""

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from fhir.terminology.texts import TextIndex, Texts

NO_MATCH = frozenset({"unmatched", "disjoint"})
"""Equivalences that translate nothing."""

_REVERSED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}


class Group(NamedTuple):
    """The systems that a part of a map leads from and to; empty where they are not told."""

    source: str
    source_version: str
    target: str
    target_version: str
    unmapped: Mapping[str, Any]


class Match(NamedTuple):
    """A code that another one is translated to."""

    equivalence: str
    system: str
    version: str
    code: str
    display: str
    depends_on: Sequence[Mapping[str, Any]]
    product: Sequence[Mapping[str, Any]]


def _canonical(resource: Mapping[str, Any], stem: str) -> str:
    return str(resource.get(f"{stem}Canonical") or resource.get(f"{stem}Uri") or "")


def _packed(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class ConceptMap:
    """The elements of a concept map.

    Attributes:
        url: Its canonical URL.
        version: Its version, empty when it has none.
        title: How people call it.
        source: The value set it leads from, empty when it is not told.
        target: The value set it leads to.
        groups: Its groups.
    """

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self.url: str = resource.get("url", "")
        self.version: str = resource.get("version", "")
        self.title: str = resource.get("title") or resource.get("name") or self.url
        self.source = _canonical(resource, "source")
        self.target = _canonical(resource, "target")
        self.groups = [_group(one) for one in resource.get("group", ())]
        elements = [
            (number, one) for number, group in enumerate(resource.get("group", ())) for one in group.get("element", ())
        ]
        self._group = array("I", [number for number, _ in elements])
        self._codes = Texts(one.get("code", "") for _, one in elements)
        self._displays = Texts(one.get("display", "") for _, one in elements)
        self._targets = Texts(_packed(one.get("target", [])) for _, one in elements)
        self._index = TextIndex(self._codes)

    def __len__(self) -> int:
        return len(self._codes)

    def translate(self, system: str, code: str, target: str = "") -> Iterator[Match]:
        """Yield what a code is translated to by its elements.

        Args:
            system: The code's system, empty for any.
            code: The code.
            target: The system of what is wanted, empty for any.
        """
        for number in self._index.equal(code):
            group = self.groups[self._group[number]]
            if (system and group.source != system) or (target and group.target != target):
                continue
            for one in json.loads(self._targets[number]):
                yield Match(
                    one.get("equivalence", "relatedto"),
                    group.target,
                    group.target_version,
                    one.get("code", ""),
                    one.get("display", ""),
                    one.get("dependsOn", ()),
                    one.get("product", ()),
                )

    def translate_back(self, system: str, code: str, target: str = "") -> Iterator[Match]:
        """Yield what is translated to a code: the same from the other end."""
        index, elements = self._back
        for place in index.equal(code):
            number = elements[place]
            group = self.groups[self._group[number]]
            if (system and group.target != system) or (target and group.source != target):
                continue
            for one in json.loads(self._targets[number]):
                if one.get("code") == code:
                    equivalence = one.get("equivalence", "relatedto")
                    yield Match(
                        _REVERSED.get(equivalence, equivalence),
                        group.source,
                        group.source_version,
                        self._codes[number],
                        self._displays[number],
                        (),
                        (),
                    )

    @cached_property
    def _back(self) -> tuple[TextIndex, "array[int]"]:
        """The codes of targets, and the element of each; an element with a code twice is there once."""
        codes, elements = [], array("I")
        for number in range(len(self)):
            for code in dict.fromkeys(one["code"] for one in json.loads(self._targets[number]) if "code" in one):
                codes.append(code)
                elements.append(number)
        return TextIndex(Texts(codes)), elements

    def unmapped(self, system: str, target: str = "") -> Iterator[Group]:
        """Yield the groups that say what becomes of a code of a system that no element names."""
        for group in self.groups:
            if group.unmapped and (not system or group.source == system) and (not target or group.target == target):
                yield group


def _group(group: Mapping[str, Any]) -> Group:
    return Group(
        group.get("source", ""),
        group.get("sourceVersion", ""),
        group.get("target", ""),
        group.get("targetVersion", ""),
        group.get("unmapped", {}),
    )
