"""`GET /fhir/metadata?mode=terminology`: the TerminologyCapabilities, derived from what is loaded.

What is stored in the hub is not told: who asks has not said who it is.

https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import orjson

from app.records.terminology.expand import KINDS
from fhir.profiles.definitions import Definitions
from fhir.terminology.sources import Terminology, of_packages, parsed

_LISTED = frozenset({"complete", "fragment"})
_NO_TREE = frozenset({"grouped-by", "part-of"})
_FILTERS = [
    {"code": "concept", "op": ["is-a", "descendent-of", "is-not-a", "generalizes", "in", "not-in", "regex", "="]},
]


def _versions(known: Terminology) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the code systems that are known with their concepts, from the source that is believed."""
    believed: dict[str, Definitions] = {}
    for source in known.sources:
        for one in source.of_type("CodeSystem"):
            if believed.setdefault(one.url, source) is source:
                resource = parsed(one)
                if resource.get("content") in _LISTED:
                    yield one.url, _version(resource, default=source.known("CodeSystem", one.url) is one)


def _version(resource: dict[str, Any], *, default: bool) -> dict[str, Any]:
    stated: dict[str, Any] = {"code": resource["version"]} if resource.get("version") else {}
    stated |= {"isDefault": default, "compositional": False}
    if resource.get("language"):
        stated["language"] = [resource["language"]]
    stated["filter"] = _FILTERS
    if properties := [one["code"] for one in resource.get("property", ()) if "code" in one]:
        stated["property"] = properties
    stated["tree"] = resource.get("hierarchyMeaning") not in _NO_TREE
    return stated


def _code_systems(known: Terminology) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for url, stated in _versions(known):
        is_tree = stated.pop("tree")
        one = found.setdefault(url, {"uri": url, "version": [], "subsumption": is_tree})
        one["version"].append(stated)
    return [found[url] for url in sorted(found)]


def terminology_capabilities(definitions: Definitions, address: str) -> bytes:
    """Return the statement of the hub at `address`, as JSON; it is kept with the packages."""
    known = of_packages(definitions)
    key = "capabilities", address
    if key not in known.kept:
        known.kept[key] = _stated(known, address)
    kept: bytes = known.kept[key]
    return kept


def _stated(known: Terminology, address: str) -> bytes:
    return orjson.dumps(
        {
            "resourceType": "TerminologyCapabilities",
            "status": "active",
            "date": "2026-11-27",
            "publisher": "Renkei",
            "kind": "instance",
            "software": {"name": "Renkei", "version": version("renkei")},
            "implementation": {"description": "The hub of a regional exchange", "url": f"{address}/fhir"},
            "codeSystem": _code_systems(known),
            "expansion": {
                "hierarchical": False,
                "paging": True,
                "incomplete": True,
                "parameter": [{"name": name} for name in sorted(KINDS)],
                "textFilter": "Every word must be in the code, the display or a designation; width and case are one.",
            },
            "codeSearch": "all",
            "validateCode": {"translations": False},
            "translation": {"needsMap": True},
        }
    )
