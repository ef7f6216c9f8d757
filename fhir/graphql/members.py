"""What the objects of the graph hold: the elements of R4's types, and what a connection of a search is made of.

https://hl7.org/fhir/R4/graphql.html#searching
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from fhir.spec.elements import CONCRETE_TYPES
from fhir.store.types import NUMBERS
from fhir.xml.shape import Part, shape

QUERY = "Query"
"""The type of the root at the level of the system."""

SEARCH = re.compile(r"([A-Z][A-Za-z]+?)(List|Connection)")
"""The name of a field that searches: `ConditionList`, `ConditionConnection`."""

_SCALARS = {"count": "integer", "offset": "integer", "pagesize": "integer", "mode": "code", "score": "decimal"}
_LINKS = ("first", "previous", "next", "last")
_NO_DOMAIN_RESOURCES = frozenset({"Bundle", "Binary", "Parameters"})


def _part(name: str, kind: str, type_name: str, *, many: bool = False) -> Part:
    return Part(name, 0, kind, type_name, many, attribute=False)  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def members(type_name: str) -> Mapping[str, Part]:
    """Return the elements of a type by their names in JSON; of `ConditionConnection` and `ConditionEdge` too."""
    if type_name == QUERY:
        return {}
    if type_name.endswith("Edge") and type_name.removesuffix("Edge") in NUMBERS:
        resource = _part("resource", "resource", type_name.removesuffix("Edge"))
        return {name: _part(name, "primitive", _SCALARS[name]) for name in ("mode", "score")} | {"resource": resource}
    if type_name.endswith("Connection") and type_name.removesuffix("Connection") in NUMBERS:
        counts = {name: _part(name, "primitive", _SCALARS[name]) for name in ("count", "offset", "pagesize")}
        links = {name: _part(name, "primitive", "id") for name in _LINKS}
        edges = _part("edges", "object", f"{type_name.removesuffix('Connection')}Edge", many=True)
        return counts | links | {"edges": edges}
    return shape(type_name)


def below(part: Part) -> frozenset[str]:
    """Return the types that the values of an element may have."""
    if part.kind != "resource":
        return frozenset((part.type,))
    return frozenset((part.type,)) if part.type in CONCRETE_TYPES else CONCRETE_TYPES


@lru_cache(maxsize=256)
def meant(condition: str) -> frozenset[str]:
    """Return the types that the condition of a fragment means; a backbone's is `PatientContact`."""
    if condition == "Resource":
        return CONCRETE_TYPES
    if condition == "DomainResource":
        return CONCRETE_TYPES - _NO_DOMAIN_RESOURCES
    return frozenset((condition,))


def graph_name(type_name: str) -> str:
    """Return a type's name in the graph: `Patient.contact` is `PatientContact`."""
    return "".join([word[:1].upper() + word[1:] for word in type_name.split(".")])
