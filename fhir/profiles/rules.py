"""Rules: what the tables say about a type, in the form the checker reads.

One rule per JSON property; choices are spelled out (`valueQuantity`), siblings of primitives (`_birthDate`)
included.

https://hl7.org/fhir/R4/json.html
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from fhir.profiles.invariants import INVARIANTS
from fhir.profiles.members import Check, Member, many, one, sibling, siblings, values
from fhir.profiles.primitives import Fault, Test, code_in, primitive
from fhir.spec.elements import CONCRETE_TYPES, PRIMITIVE_TYPES, Element, properties


class Rule(NamedTuple):
    """What one JSON property may hold."""

    test: Test | None
    """For a single primitive, the most frequent case by far: its test. None for the others."""
    member: Member | None
    """For the others: the look at the property."""
    choice: str | None
    """The choice element's name, `value[x]`, if the property is one of its forms."""


class Rules(NamedTuple):
    """What one type, or backbone, may hold."""

    properties: dict[str, Rule]
    required: tuple[tuple[str, frozenset[str]], ...]
    """Name of each required element, and the properties any of which provides it."""
    invariants: tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...]
    """Diagnostics and predicate."""


Compile = Callable[[str, Element, str], Check]
"""Returns the checker of an element that is an object: path of the type around it, element, type code."""


def rules(path: str, compile_object: Compile, check_sibling: Check) -> Rules:
    """Return the rules of a type or backbone.

    Args:
        path: `Observation`, `Coding` or `Observation.component`.
        compile_object: Makes the checker of an element that is an object.
        check_sibling: The checker of a primitive's id and extensions.

    Raises:
        KeyError: R4 has no such type or backbone.
    """
    found: dict[str, Rule] = {}
    required: dict[str, set[str]] = {}
    if path in CONCRETE_TYPES:
        # Its value chose these rules.
        found["resourceType"] = Rule(_anything, None, None)
    for name, (element, code) in properties(path).items():
        choice = element.name if element.name.endswith("[x]") else None
        single = element.max == 1
        names = {name}
        if code in PRIMITIVE_TYPES:
            test = _test(element, code)
            found[name] = Rule(test, None, choice) if single else Rule(None, values(test), choice)
            if _extensible(path, name, code):
                names.add(f"_{name}")
                found[f"_{name}"] = Rule(None, (sibling if single else siblings)(check_sibling), choice)
        else:
            found[name] = Rule(None, (one if single else many)(compile_object(path, element, code)), choice)
        if element.min:
            required.setdefault(element.name, set()).update(names)
    needed = tuple((name, frozenset(names)) for name, names in required.items())
    return Rules(found, needed, _invariants().get(path, ()))


def _test(element: Element, code: str) -> Test:
    if element.codes is not None:
        return code_in(element.codes, str(element.value_set))
    return primitive(code)


def _extensible(path: str, name: str, code: str) -> bool:
    """Return whether a primitive may have an id and extensions: XHTML and attributes in XML may not."""
    return name != "id" and code != "xhtml" and (path, name) != ("Extension", "url")


@cache
def _invariants() -> dict[str, tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...]]:
    by_path: dict[str, tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...]] = {}
    for key, invariant in INVARIANTS.items():
        for path in invariant.paths:
            by_path[path] = (*by_path.get(path, ()), (f"{key}: {invariant.human}", invariant.holds))
    return by_path


def _anything(_: Any) -> Fault | None:
    return None
