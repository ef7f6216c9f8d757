"""R4 search parameters and the patient compartment, from the tables that `build_search_parameters` made.

https://hl7.org/fhir/R4/searchparameter-registry.html, https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

_SPEC = Path(__file__).parent


FIRST_OWN = 1_000_000
"""The first number of parameters that are a hub's own; R4's are far below."""


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a composite parameter.

    Attributes:
        code: The parameter of the same resource type that says how its values compare.
        paths: From each place the composite is at (`SearchParameter.paths`), where its values are.
    """

    code: str
    paths: tuple[str, ...]
    number: int = 0
    """That of its index rows; 0 for R4's, which share those of what reads the same."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a hub's own parameter allows of what its type can do; None where it says nothing.

    Attributes:
        modifiers: Names; of types too.
        comparators: Prefixes of values.
        several_values: Whether a name may have several values with commas between them.
        several_times: Whether a name may be there several times.
    """

    modifiers: frozenset[str] | None = None
    comparators: frozenset[str] | None = None
    several_values: bool = True
    several_times: bool = True


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A search parameter of one resource type.

    Attributes:
        id: Stable number of (base, code); index rows hold it.
        base: Resource type.
        code: Name in a query.
        type: token, string, reference, date, number, quantity, uri, composite or special.
        expression: The published FHIRPath, without the branches of other types; empty if it has none.
        paths: What the expression compiled to: JSON keys and conditions
            (see `fhir.spec.search_paths.resolve`), closed by `:` and the FHIR type of what is found.
        targets: For references, the resource types referred to.
        components: For composites, their parts in the order of the query's value.
        url: The canonical URL of a parameter of the hub's own; empty for R4's.
        rules: What a parameter of the hub's own allows.
    """

    id: int
    base: str
    code: str
    type: str
    expression: str = field(default="", compare=False)
    paths: tuple[str, ...] = field(default=(), compare=False)
    targets: tuple[str, ...] = field(default=(), compare=False)
    components: tuple[Component, ...] = field(default=(), compare=False)
    url: str = field(default="", compare=False)
    rules: Rules | None = field(default=None, compare=False)

    @property
    def is_own(self) -> bool:
        """Whether it is the hub's own, and not R4's."""
        return self.id >= FIRST_OWN

    @property
    def element_types(self) -> frozenset[str]:
        """The FHIR types its values have."""
        return frozenset(path.rpartition(":")[2] for path in self.paths)


COMPARTMENTS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        name: MappingProxyType({resource_type: tuple(codes) for resource_type, codes in members.items()})
        for name, members in orjson.loads((_SPEC / "compartments.json").read_bytes()).items()
    }
)
"""Resource type that has a compartment, to the types in it, to the parameters that put a resource in it: references,
or `_id` for the resource itself."""


@cache
def _rows() -> dict[str, list[dict[str, Any]]]:
    """Return the table's rows by resource type; 3,000 rows parse in a few milliseconds, once."""
    by_type: dict[str, list[dict[str, Any]]] = {}
    for row in orjson.loads((_SPEC / "search-parameters.json").read_bytes()):
        by_type.setdefault(row["base"], []).append(row)
    return by_type


def _parameter(row: Mapping[str, Any]) -> SearchParameter:
    targets = row.get("target", ())
    return SearchParameter(
        id=row["id"],
        base=row["base"],
        code=row["code"],
        type=row["type"],
        expression=row.get("expression", ""),
        paths=tuple(row.get("paths", ())),
        # Parameters has search parameters in R4, but is no resource that is stored and could be referred to.
        targets=tuple(name for name in _rows() if name != "Parameters") if targets == ["*"] else tuple(targets),
        components=tuple(
            Component(component["code"], tuple(component["paths"])) for component in row.get("component", ())
        ),
    )


@lru_cache(maxsize=512)
def parameters(type_name: str) -> Mapping[str, SearchParameter]:
    """Return the search parameters of a resource type by code; none for a type R4 does not have."""
    return MappingProxyType({row["code"]: _parameter(row) for row in _rows().get(type_name, ())})


@cache
def _by_id() -> Mapping[int, SearchParameter]:
    return {p.id: p for type_name in _rows() for p in parameters(type_name).values()}


def by_id(id: int) -> SearchParameter:
    """Return the search parameter with this number.

    Raises:
        KeyError: There is none.
    """
    return _by_id()[id]
