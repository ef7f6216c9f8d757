"""Profiles made for a test: a few elements, each given by its id and what it says."""

import json
from typing import Any

from fhir.issue import Issue
from fhir.profiles.conformance import conformance
from fhir.profiles.definitions import Definition, Definitions

HERE = "http://example.org/fhir/StructureDefinition/"


def a_profile(name: str, type_name: str, *elements: tuple[str, dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """Return a StructureDefinition whose snapshot holds the root and these elements."""
    root = {"id": type_name, "path": type_name}
    return {
        "resourceType": "StructureDefinition",
        "url": HERE + name,
        "version": "1.0",
        "name": name,
        "status": "active",
        "kind": "complex-type" if type_name == "Extension" else "resource",
        "abstract": False,
        "type": type_name,
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{type_name}",
        "derivation": "constraint",
        "snapshot": {"element": [root, *(an_element(one, facts) for one, facts in elements)]},
        **fields,
    }


def an_element(id: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Return an ElementDefinition; its path follows from its id."""
    path = ".".join(part.partition(":")[0] for part in id.split("."))
    cut = id.rpartition(".")[2].partition(":")[2]
    return {"id": id, "path": path, **({"sliceName": cut} if cut else {}), **facts}


def a_value_set(name: str, system: str, *codes: str) -> dict[str, Any]:
    """Return a ValueSet of codes of one system."""
    concepts = [{"code": code} for code in codes]
    compose = {"include": [{"system": system, "concept": concepts}]}
    return {"resourceType": "ValueSet", "url": HERE + name, "version": "1.0", "status": "active", "compose": compose}


def loaded(*resources: dict[str, Any]) -> Definitions:
    """Return definitions of these conformance resources."""
    return Definitions(
        Definition(one["resourceType"], one["url"], one["version"], json.dumps(one).encode) for one in resources
    )


def found(resource: dict[str, Any], *definitions: dict[str, Any]) -> list[Issue]:
    """Return what is wrong with a resource by the first of the definitions, all of which are loaded."""
    return conformance(resource, loaded(*definitions), [definitions[0]["url"]])


def told(issues: list[Issue]) -> list[tuple[str, str, str]]:
    """Return severity, code and place of each issue."""
    return [(one.severity, one.code, one.expression) for one in issues]
