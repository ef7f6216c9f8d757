"""R4 facts about types: elements, cardinalities, targets and required bindings, read a type at a time.

`elements.json` and `codes.json` beside this module are made by `python -m fhir.spec.build_elements`, whose
docstring says how, and what their lines hold.

https://hl7.org/fhir/R4/elementdefinition.html
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

HERE = Path(__file__).parent


def lines(name: str) -> dict[str, bytes]:
    """Return the members of a table, unparsed, by their key."""
    found: dict[str, bytes] = {}
    content = (HERE / name).read_bytes()
    for line in (gzip.decompress(content) if name.endswith(".gz") else content).splitlines()[1:-1]:
        end = line.index(b'"', 1)
        found[line[1:end].decode()] = line[end + 2 :].rstrip(b",")
    return found


_TYPES = lines("elements.json")


def _of_kind(kind: str) -> frozenset[str]:
    mark = f'{{"kind":"{kind}",'.encode()
    return frozenset(
        name for name, line in _TYPES.items() if line.startswith(mark) and not line.startswith(mark + b'"abstract"')
    )


PRIMITIVE_TYPES = _of_kind("primitive")
"""The twenty primitive types, `xhtml` among them."""

COMPLEX_TYPES = _of_kind("complex")
"""The data types that have elements; without the abstract Element and BackboneElement."""

CONCRETE_TYPES = _of_kind("resource")
"""Every resource type an instance may have: all but the abstract Resource and DomainResource."""

RESOURCE_TYPES = CONCRETE_TYPES - {"Parameters"}
"""The types with a REST endpoint. Parameters has none: it is only ever the body of an operation."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type, as R4 defines it."""

    name: str
    """The definition's name; a choice ends in `[x]`, as in `value[x]`."""
    min: int
    """Least number of occurrences: 0 or 1; 2 nowhere in R4."""
    max: int | None
    """Greatest number of occurrences; None is `*`."""
    types: tuple[str, ...]
    """FHIR types; several only for a choice. `BackboneElement` and `Element` have children at `path.name`."""
    targets: tuple[str, ...]
    """Resource types a Reference may point to; empty is any."""
    canonical_targets: tuple[str, ...]
    """Resource types a canonical may point to; empty is any."""
    value_set: str | None
    """Canonical URL of the required binding of a `code`, without version; None where `codes` is."""
    codes: frozenset[str] | None
    """The codes of that value set; None if the element has no such binding, or it cannot be listed."""
    content_reference: str | None
    """The path whose children this element has, as `Observation.referenceRange`."""
    simple: bool
    """Whether a Quantity here is a SimpleQuantity, which has no comparator."""
    modifier: bool
    """Whether it can change the meaning of what surrounds it."""
    summary: bool
    """Whether it belongs to `_summary=true`."""


@cache
def elements(type_name: str) -> Mapping[str, Element]:
    """Return the elements of a type, or of a backbone inside it, in the order of the definition.

    Args:
        type_name: `Observation`, `Coding`, or the path of a backbone: `Observation.component`.

    Returns:
        Elements by name.

    Raises:
        KeyError: R4 has no such type or backbone.
    """
    root = type_name.partition(".")[0]
    table = _type(root)["elements"]
    if root == type_name:
        own = {path: facts for path, facts in table.items() if "." not in path}
    else:
        start = type_name.removeprefix(f"{root}.")
        own = {p.removeprefix(f"{start}."): facts for p, facts in table.items() if p.rpartition(".")[0] == start}
        if not own:
            raise KeyError(type_name)
    return MappingProxyType({name: _element(name, facts) for name, facts in own.items()})


@cache
def properties(type_name: str) -> Mapping[str, tuple[Element, str]]:
    """Return what a type's JSON object may hold: property name to its element and type.

    Choices are spelled out: `valueQuantity` leads to `value[x]` and `Quantity`. The `_name` siblings of
    primitives are not listed. An element with a content reference has the type `""`.

    Args:
        type_name: As for `elements`.

    Raises:
        KeyError: R4 has no such type or backbone.
    """
    found: dict[str, tuple[Element, str]] = {}
    for name, element in elements(type_name).items():
        if name.endswith("[x]"):
            stem = name.removesuffix("[x]")
            found |= {f"{stem}{code[0].upper()}{code[1:]}": (element, code) for code in element.types}
        else:
            found[name] = (element, element.types[0] if element.types else "")
    return MappingProxyType(found)


def regex(type_name: str) -> str | None:
    """Return the published regular expression of a primitive type; None for `xhtml`, which has none.

    Raises:
        KeyError: R4 has no such type.
    """
    found: str | None = _type(type_name).get("regex")
    return found


@cache
def codes(value_set: str) -> frozenset[str]:
    """Return the codes of a value set that some element is bound to with strength `required`.

    Raises:
        KeyError: no element is, or the value set cannot be listed (MIME types, currencies).
    """
    return frozenset(json.loads(_code_lines()[value_set]))


@cache
def _code_lines() -> dict[str, bytes]:
    return lines("codes.json")


@cache
def _type(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_TYPES[name])
    return found


def _element(name: str, facts: dict[str, Any]) -> Element:
    value_set = facts.get("codes")
    return Element(
        name=name,
        min=facts.get("min", 0),
        max=None if "max" in facts else 1,
        types=tuple(facts.get("types", ())),
        targets=tuple(facts.get("refs", ())),
        canonical_targets=tuple(facts.get("canon", ())),
        value_set=value_set,
        codes=codes(value_set) if value_set else None,
        content_reference=facts.get("same"),
        simple="simple" in facts,
        modifier="mod" in facts,
        summary="sum" in facts,
    )
