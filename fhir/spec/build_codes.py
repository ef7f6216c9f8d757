"""Expand value sets offline: the codes of those that the published definitions enumerate.

https://hl7.org/fhir/R4/valueset.html#expansion
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SOURCES = ("valuesets.json", "v3-codesystems.json", "v2-tables.json")

UNBOUNDED = frozenset({"http://hl7.org/fhir/ValueSet/mimetypes"})
"""Value sets whose code system is a grammar, not a list (BCP 13)."""


class NotEnumerable(Exception):
    """The value set cannot be expanded from the definitions at hand."""


def load(definitions: Path) -> dict[str, dict[str, Any]]:
    """Return every ValueSet and CodeSystem of the definitions by its canonical URL."""
    found: dict[str, dict[str, Any]] = {}
    for name in SOURCES:
        bundle = json.loads((definitions / name).read_bytes())
        for entry in bundle["entry"]:
            resource = entry["resource"]
            # The base specification's own content comes first and stays.
            found.setdefault(f"{resource['resourceType']}|{resource['url']}", resource)
    return found


def expand(url: str, known: dict[str, dict[str, Any]]) -> frozenset[str]:
    """Return the codes of a value set.

    Raises:
        NotEnumerable: it is a grammar, unknown, or defined by a filter other than `is-a`.
    """
    value_set = known.get(f"ValueSet|{url.partition('|')[0]}")
    if value_set is None or value_set["url"] in UNBOUNDED:
        raise NotEnumerable(url)
    compose = value_set["compose"]
    codes = {code for part in compose["include"] for code in _part(part, known)}
    for part in compose.get("exclude", []):
        codes -= set(_part(part, known))
    if not codes:
        raise NotEnumerable(url)
    return frozenset(codes)


def _part(part: dict[str, Any], known: dict[str, dict[str, Any]]) -> set[str]:
    """Return the codes of one `include` or `exclude`: its system's part and its value sets, intersected."""
    sets = [set(expand(url, known)) for url in part.get("valueSet", [])]
    if "concept" in part:
        sets.append({concept["code"] for concept in part["concept"]})
    elif "system" in part:
        sets.append(_system(part, known))
    return set.intersection(*sets)


def _system(part: dict[str, Any], known: dict[str, dict[str, Any]]) -> set[str]:
    system = known.get(f"CodeSystem|{part['system']}")
    if system is None or system.get("content") != "complete":
        raise NotEnumerable(part["system"])
    codes = dict(_walk(system.get("concept", []), ()))
    for test in part.get("filter", []):
        if test["property"] != "concept" or test["op"] != "is-a":
            raise NotEnumerable(part["system"])
        root = test["value"]
        codes = {code: above for code, above in codes.items() if code == root or root in above}
    return set(codes)


def _walk(concepts: list[dict[str, Any]], above: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each selectable code with the codes it lies under, by nesting and by `subsumedBy`."""
    for concept in concepts:
        properties = concept.get("property", [])
        parents = [p["valueCode"] for p in properties if p["code"] == "subsumedBy"]
        if not any(p["code"] == "notSelectable" and p["valueBoolean"] for p in properties):
            yield concept["code"], (*above, *parents)
        yield from _walk(concept.get("concept", []), (*above, concept["code"]))
