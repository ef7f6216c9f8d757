"""Invariants of profiles, in FHIRPath.

The invariants of base R4 are predicates of our own (`fhir.profiles.invariants`); a definition's further ones are run
by fhirpathpy, which is imported with the first of them.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any

from fhir.profiles.compiling import about_to_compile
from fhir.profiles.definitions import BASE
from fhir.profiles.walk import Occurrence, Walk
from fhir.spec.elements import COMPLEX_TYPES, CONCRETE_TYPES

_OF_R4 = COMPLEX_TYPES | CONCRETE_TYPES | {"Element", "BackboneElement", "Resource", "DomainResource", "SimpleQuantity"}

Evaluate = Callable[[Any, str, Mapping[str, Any]], list[Any]]
"""Returns what an expression yields on a value of a path."""


def of_profile(constraint: Mapping[str, Any], keys_of_base: frozenset[str]) -> bool:
    """Return whether a profile adds this constraint: it is not one of base R4's, which snapshots repeat."""
    source = constraint.get("source")
    if "expression" not in constraint:
        return False
    if source is None:
        return constraint["key"] not in keys_of_base
    return not (source.startswith(BASE) and source.removeprefix(BASE) in _OF_R4)


def _silent(*_: object) -> None:
    """Print nothing: what is evaluated is about patients."""


@cache
def engine() -> Evaluate:
    """Return the evaluator of expressions; parsed ones are kept."""
    evaluator = import_module("fhirpathpy.engine")
    library = import_module("fhirpathpy")
    model = import_module("fhirpathpy.models").models["r4"]
    nodes = import_module("fhirpathpy.engine.nodes")
    parsed: dict[str, Any] = {}
    vars(evaluator)["print"] = _silent
    options = {"traceFn": _silent}
    # The engine keeps the present instant and the model in module variables.
    turn = Lock()

    def evaluate(value: Any, expression: str, variables: Mapping[str, Any]) -> list[Any]:
        path = variables.get("path")
        if expression not in parsed:
            # Not under the lock: who evaluates does not wait for who parses.
            parsed[expression] = library.parse(expression)
        start = nodes.ResourceNode.create_node(value, path) if path else value
        given = {name: one for name, one in variables.items() if name != "path"}
        with turn:
            found: list[Any] = library.apply_parsed_path(start, parsed[expression], given, model, options)
        return found

    return evaluate


def invariant(constraint: Mapping[str, Any], path: str, profile: str) -> Callable[[Occurrence, Walk], None]:
    """Return the check of one constraint.

    Args:
        constraint: As in the definition.
        path: The path of its element in R4: `Observation.component`.
        profile: The profile's name, for the diagnostics.
    """
    key, expression = str(constraint["key"]), str(constraint["expression"])
    severity = constraint.get("severity", "error")
    text = f"{key}: {constraint.get('human', expression)} ({profile})"
    parsed = False

    def check(occurrence: Occurrence, walk: Walk) -> None:
        value = occurrence.value if occurrence.value is not None else occurrence.beside
        variables = {"path": path, "resource": walk.resource, "rootResource": walk.container, "context": value}
        nonlocal parsed
        if not parsed:
            about_to_compile()
        evaluate, parsed = engine(), True
        try:
            found = evaluate(value, expression, variables)
        except Exception as failure:
            # Whatever the engine cannot do is said, and is no fault of the sender.
            said = f"{key}: the invariant could not be evaluated ({type(failure).__name__}; {profile})"
            walk.add("warning", occurrence.where, "not-supported", said)
            return
        if not _true(found):
            walk.add("warning" if severity == "warning" else "error", occurrence.where, "invariant", text)

    return check


def _true(found: list[Any]) -> bool:
    """Return what a collection is as a condition: one item that is no boolean counts as true, nothing as false."""
    return len(found) == 1 and found[0] is not False
