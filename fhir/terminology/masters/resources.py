"""Writing a CodeSystem or a ConceptMap of tens of thousands of members without ever holding it as objects.

Members are checked by base R4 and written a thousand at a time; what is held is the text.

https://hl7.org/fhir/R4/codesystem.html and https://hl7.org/fhir/R4/conceptmap.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from fhir.profiles.structure import check

Json = dict[str, Any]

OWN = "http://renkei.example/fhir"
"""Where the canonical URLs begin that are the hub's own: those of maps, and of tables that nobody has named."""
BATCH = 1_000

INACTIVE = {
    "code": "inactive",
    "uri": "http://hl7.org/fhir/concept-properties#inactive",
    "description": "Whether the publisher has withdrawn the code",
    "type": "boolean",
}
NOT_SELECTABLE = {
    "code": "notSelectable",
    "uri": "http://hl7.org/fhir/concept-properties#notSelectable",
    "description": "Whether the concept only groups others",
    "type": "boolean",
}
WITHDRAWN: Json = {"code": "inactive", "valueBoolean": True}
GROUPS: Json = {"code": "notSelectable", "valueBoolean": True}


class NotR4(Exception):
    """A row became what R4 forbids; the text says where."""


@dataclass(frozen=True, slots=True)
class Edition:
    """What all resources of one master in one version share."""

    publisher: str
    version: str
    date: str
    """A FHIR date; empty when it is not known."""

    def stamp(self) -> Json:
        """Return the elements that say so."""
        return {
            "version": self.version,
            "status": "active",
            "experimental": False,
            **({"date": self.date} if self.date else {}),
            "publisher": self.publisher,
        }


@dataclass(frozen=True, slots=True)
class System:
    """A code system that a master makes."""

    url: str
    name: str
    """For programs: letters, digits and underscores."""
    title: str
    """For people."""
    oid: str = ""
    properties: tuple[Json, ...] = ()
    """Beside `inactive`: CodeSystem.property."""
    hierarchy: bool = False
    whole: bool = True
    """Whether the table has all codes of the system, not only those that another table uses."""


@dataclass(frozen=True, slots=True)
class Map:
    """A concept map that a master makes."""

    id: str
    title: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that is written."""

    type: str
    url: str
    body: bytes
    members: int
    """Concepts, or elements of the map."""


def code_system(system: System, concepts: Iterable[Json], edition: Edition) -> Made:
    """Write a CodeSystem.

    Args:
        system: What it is.
        concepts: CodeSystem.concept, one after the other.
        edition: Its version.

    Raises:
        NotR4: a concept is not as R4 says.
    """
    header: Json = {
        "resourceType": "CodeSystem",
        "language": "ja",
        "url": system.url,
        **({"identifier": _oid(system.oid)} if system.oid else {}),
        "name": system.name,
        "title": system.title,
        **edition.stamp(),
        "caseSensitive": True,
        **({"hierarchyMeaning": "is-a"} if system.hierarchy else {}),
        "content": "complete" if system.whole else "fragment",
        "property": [INACTIVE, *system.properties],
    }
    count = 0
    texts: list[bytes] = []
    for batch in _batches(concepts):
        _checked({**header, "concept": batch})
        count += sum(map(_counted, batch))
        texts.append(orjson.dumps(batch)[1:-1])
    header["count"] = count
    members = b',"concept":[%s]' % b",".join(texts) if texts else b""
    return Made("CodeSystem", system.url, b"%s%s}" % (orjson.dumps(header)[:-1], members), count)


def concept_map(one: Map, elements: Iterable[Json], edition: Edition) -> Made | None:
    """Write a ConceptMap of one group; None when it has no element.

    Args:
        one: What it is.
        elements: ConceptMap.group.element, one after the other.
        edition: Its version.

    Raises:
        NotR4: an element is not as R4 says.
    """
    url = f"{OWN}/ConceptMap/{one.id}"
    header: Json = {
        "resourceType": "ConceptMap",
        "url": url,
        "name": "Renkei_" + one.id.replace("-", "_"),
        "title": one.title,
        **edition.stamp(),
    }
    group: Json = {"source": one.source, "target": one.target}
    count = 0
    texts: list[bytes] = []
    for batch in _batches(elements):
        _checked({**header, "group": [{**group, "element": batch}]})
        count += len(batch)
        texts.append(orjson.dumps(batch)[1:-1])
    if not count:
        return None
    written = b'%s,"element":[%s]}' % (orjson.dumps(group)[:-1], b",".join(texts))
    return Made("ConceptMap", url, b'%s,"group":[%s]}' % (orjson.dumps(header)[:-1], written), count)


def _batches(members: Iterable[Json]) -> Iterator[list[Json]]:
    left = iter(members)
    while batch := list(islice(left, BATCH)):
        yield batch


def _counted(concept: Json) -> int:
    """Return how many concepts there are in a concept, itself among them."""
    return 1 + sum(map(_counted, concept.get("concept", ())))


def _checked(resource: Json) -> None:
    issues = check(resource)
    if issues:
        raise NotR4(f"{issues[0].expression}: {issues[0].diagnostics}")


def _oid(oid: str) -> list[Json]:
    return [{"system": "urn:ietf:rfc:3986", "value": f"urn:oid:{oid}"}]
