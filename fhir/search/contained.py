"""Who wrote a resource and is contained in it: found by name as if a chain led there.

https://profiles.ihe.net/ITI/MHD/ITI-67.html asks for `author.given`, where Comprehensive metadata contain the author.
"""

from collections.abc import Iterator
from typing import Any

from fhir.spec.corrections import WRITER, WRITERS


def _referred(node: Any) -> Iterator[str]:
    """Yield the references into the resource itself that an element holds."""
    for one in node if isinstance(node, list) else [node]:
        link = one.get("reference") if isinstance(one, dict) else None
        if isinstance(link, str) and link[:1] == "#":
            yield link[1:]


def _contained(resource: dict[str, Any], node: Any) -> Iterator[dict[str, Any]]:
    inside = resource["contained"] if isinstance(resource["contained"], list) else []
    named = {one.get("id"): one for one in inside if isinstance(one, dict) and isinstance(one.get("id"), str)}
    for id_ in _referred(node):
        if id_ in named:
            yield named[id_]
            # A role is somebody's.
            for role in _referred(named[id_].get("practitioner")):
                if role in named:
                    yield named[role]


def with_writers(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource with whoever wrote it and is contained in it under a name of its own; else the resource."""
    element = WRITERS.get(resource["resourceType"])
    if element is None or element not in resource or "contained" not in resource:
        return resource
    return {**resource, WRITER: list(_contained(resource, resource[element]))}
