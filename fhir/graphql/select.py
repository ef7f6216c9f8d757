"""Which values of an element a field takes: filters, conditions, offsets.

https://hl7.org/fhir/R4/graphql.html#list
"""

from collections.abc import Iterator
from typing import Any

from fhir.errors import InvalidValue
from fhir.exact import Number
from fhir.graphql.budget import Budget
from fhir.graphql.field import Field
from fhir.graphql.members import members
from fhir.graphql.values import Value, text_of
from fhir.patch.locations import Node, UnknownElement
from fhir.xml.shape import Part

Tree = dict[str, Any]


def type_of(part: Part, value: Any) -> str:
    """Return the type of a value of an element."""
    if part.kind != "resource" or not isinstance(value, dict):
        return part.type
    return str(value.get("resourceType", ""))


def taken(field: Field, part: Part, tree: Tree, budget: Budget) -> Iterator[tuple[int, Any]]:
    """Yield the values that a field takes of an element of an object, each with its number among them.

    Raises:
        InvalidValue: a condition names what the values do not have.
        TooCostly: it is one value too many that is looked at.
    """
    found = tree.get(field.name)
    if found is None:
        return
    values = found if isinstance(found, list) else [found]
    if field.arguments:
        values = [one for one in values if _fits(field, part, one, budget)]
        start, count = field.arguments.get("_offset"), field.arguments.get("_count")
        start = start if isinstance(start, int) else 0
        values = values[start : start + count] if isinstance(count, int) else values[start:]
    yield from enumerate(values[:1] if field.directives.first else values)


def _fits(field: Field, part: Part, value: Any, budget: Budget) -> bool:
    budget.visit()
    type_name = type_of(part, value)
    for name, wanted in field.arguments.items():
        if name in ("_offset", "_count", "fhirpath"):
            continue
        if not isinstance(value, dict) or name not in members(type_name) or not _equals(value.get(name), wanted):
            return False
    return holds(field, value, type_name, budget)


def holds(field: Field, value: Any, type_name: str, budget: Budget) -> bool:
    """Return whether the field's `fhirpath` is true of a value.

    Raises:
        InvalidValue: it names what the value's type does not have.
        TooCostly: the value has more parts than may still be looked at.
    """
    if field.condition is None:
        return True
    budget.visit(visits=_parts(value))
    try:
        return field.condition(Node(value, None, type_name))
    except UnknownElement as error:
        raise InvalidValue(f"fhirpath: {error}", field.name) from error


def _parts(value: Any) -> int:
    """Return how many objects and values a value is made of: a condition may look at each of them."""
    count, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        count += 1
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return count


def _equals(value: Any, wanted: Value) -> bool:
    if isinstance(value, list):
        return any(_equals(one, wanted) for one in value)
    if value is None:
        return False
    return written(value) == text_of(wanted)


def written(value: Any) -> str:
    """Return a primitive value as text; a number with the digits it has."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
