"""What a value set or a concept map refers to: where it goes on.

https://hl7.org/fhir/R4/references.html#canonical
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fhir.profiles.definitions import MALFORMED
from fhir.terminology.sources import Terminology, parsed


class Name(NamedTuple):
    """A definition by its type and its canonical URL, perhaps with a version."""

    type: str
    canonical: str


def references(resource: Mapping[str, Any]) -> list[Name]:
    """Return what a resource refers to; nothing where it is not of its type's form."""
    try:
        return list(dict.fromkeys(_references(resource)))
    except MALFORMED:
        return []


def _references(resource: Mapping[str, Any]) -> Iterator[Name]:
    if resource.get("resourceType") == "ConceptMap":
        for group in resource.get("group", ()):
            if "url" in group.get("unmapped", {}):
                yield Name("ConceptMap", group["unmapped"]["url"])
        return
    compose = resource.get("compose", {})
    for part in (*compose.get("include", ()), *compose.get("exclude", ())):
        if "system" in part:
            yield Name("CodeSystem", f"{part['system']}|{part['version']}" if "version" in part else part["system"])
        for url in part.get("valueSet", ()):
            yield Name("ValueSet", url)


def known_references(terminology: Terminology, name: Name) -> list[Name]:
    """Return what a known definition refers to, kept with the terminology."""
    found = terminology.near(*name)
    if found is None or name.type == "CodeSystem":
        return []
    key = "references", name.type, found[1].url, found[1].version
    if key not in terminology.kept:
        terminology.kept[key] = references(parsed(found[1]))
    kept: list[Name] = terminology.kept[key]
    return kept
