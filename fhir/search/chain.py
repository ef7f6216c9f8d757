"""Chains and `_has`: names of a query that follow references, forwards and backwards.

https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has
"""

from collections.abc import Callable

from fhir.errors import FhirError, InvalidValue, NotSupported, TooCostly, UnknownParameter
from fhir.search.asked import Asked, Chain, Has, steps
from fhir.search.in_force import R4, InForce
from fhir.spec.search_parameters import SearchParameter, parameters

DEEPEST = 4
"""How many references one name of a query follows at most."""

MOST_STEPS = 30
"""References that a search follows, each type that one may lead to counted."""

Inner = Callable[[str, str, int], Asked]
"""Reads the rest of a name: the type it is asked of, the rest, and how many references were followed."""

_FOLLOWED = frozenset({"Reference", "Resource"})
"""The FHIR types of values that name a resource by its type and id."""


def too_many_steps() -> TooCostly:
    """Return the failure of what follows more than `MOST_STEPS` references."""
    return TooCostly(f"a search follows at most {MOST_STEPS} references; name the types: reference:Type.parameter")


def is_chained(name: str) -> bool:
    """Return whether a name of a query follows a reference."""
    return "." in name or name.startswith("_has:") or name == "_has"


def _reference(type_name: str, code: str, known: InForce) -> SearchParameter:
    """Return the reference parameter of a type, which can be followed.

    Raises:
        UnknownParameter: The type has none of this name.
        InvalidValue: It is no reference.
        NotSupported: It holds canonical URLs alone, or is not indexed yet.
    """
    parameter = known.get(type_name, code)
    if parameter is None:
        raise UnknownParameter(f"{type_name} has no search parameter {code!r}", code)
    if parameter.type != "reference":
        raise InvalidValue(f"{code} of {type_name} is no reference that a chain could follow", code)
    if not parameter.element_types & _FOLLOWED:
        raise NotSupported(f"{code} of {type_name} holds canonical URLs, which a chain does not follow", code)
    return parameter


def parse(type_name: str, name: str, depth: int, inner: Inner, known: InForce = R4) -> Asked:
    """Return what a chained name asks.

    Args:
        type_name: The type it is asked of.
        name: `reference.rest`, `reference:Type.rest` or `_has:Type:reference:rest`.
        depth: How many references were followed already.
        inner: What reads the rest.
        known: The search parameters there are.

    Raises:
        UnknownParameter: A type has no such parameter.
        NotSupported: A step of it is not supported.
        InvalidValue: It is not of this form, or a step is no reference.
        TooCostly: It follows more than `DEEPEST` references.
    """
    if depth >= DEEPEST:
        raise TooCostly(f"a chain follows at most {DEEPEST} references")
    if name.partition(":")[0] == "_has":
        return _has(type_name, name, depth, inner, known)
    head, _, rest = name.partition(".")
    code, colon, target = head.partition(":")
    parameter = _reference(type_name, code, known)
    if colon and target not in parameter.targets:
        raise InvalidValue(f"{code} of {type_name} refers to no {target!r}", head)
    targets = (target,) if colon else parameter.targets
    return Chain(parameter, _branches(targets, rest, depth, inner))


def _branches(targets: tuple[str, ...], rest: str, depth: int, inner: Inner) -> tuple[tuple[str, Asked], ...]:
    """Return what is asked of each target that has the parameter which the rest begins with."""
    found: list[tuple[str, Asked]] = []
    count = 0
    refused: FhirError | None = None
    for target in targets:
        try:
            asked = inner(target, rest, depth + 1)
            count += 1 + steps(asked)
            if count > MOST_STEPS:
                # Refused here, not when all is read: four references to any type would be millions of ways.
                raise too_many_steps()
            found.append((target, asked))
        except UnknownParameter as error:
            refused = refused or error
        except (InvalidValue, NotSupported) as error:
            # What one type cannot be asked, another may; the reason is told if none can.
            refused = error if refused is None or isinstance(refused, UnknownParameter) else refused
    if not found:
        raise refused or InvalidValue("a chain leads to no type")
    return tuple(found)


def _has(type_name: str, name: str, depth: int, inner: Inner, known: InForce) -> Asked:
    parts = name.split(":", 3)
    if len(parts) < 4 or not parts[3]:
        raise InvalidValue(f"not _has:[type]:[reference]:[parameter]: {name!r}", name)
    _, source, code, rest = parts
    if not parameters(source):
        raise InvalidValue(f"{source!r} is no resource type", name)
    parameter = _reference(source, code, known)
    if type_name not in parameter.targets:
        raise InvalidValue(f"{code} of {source} refers to no {type_name}", name)
    return Has(parameter, inner(source, rest, depth + 1))
