"""The values of arguments and variables: texts, numbers, booleans, and lists of them; FHIR's arguments know no objects.

https://spec.graphql.org/October2021/#sec-Input-Values
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from fhir.errors import InvalidValue
from fhir.exact import Number

Value = str | int | bool | list[Any] | None
"""A number with a fraction is the text it was written with."""


def of_node(node: ValueNode, variables: Mapping[str, Value]) -> Value:
    """Return the value that stands in a document.

    Raises:
        InvalidValue: it is an object, or a variable that the operation does not declare.
    """
    if isinstance(node, VariableNode):
        if node.name.value not in variables:
            raise InvalidValue(f"The variable {node.name.value} is not declared", f"variables.{node.name.value}")
        return variables[node.name.value]
    if isinstance(node, StringValueNode | EnumValueNode | FloatValueNode):
        return node.value
    if isinstance(node, IntValueNode):
        if len(node.value) > 18:
            raise InvalidValue("A whole number is too large", "query")
        return int(node.value)
    if isinstance(node, BooleanValueNode):
        return node.value
    if isinstance(node, NullValueNode):
        return None
    if isinstance(node, ListValueNode):
        return [of_node(one, variables) for one in node.values]
    raise InvalidValue("An argument is a text, a number, true, false, or a list of them", "query")


def of_json(value: Any, name: str) -> Value:
    """Return the value of a variable.

    Raises:
        InvalidValue: it is an object.
    """
    if isinstance(value, Number):
        return value.text
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, list):
        return [of_json(one, name) for one in value]
    raise InvalidValue(f"The variable {name} is a text, a number, true, false, or a list of them", f"variables.{name}")


def text_of(value: Value) -> str:
    """Return a value as a search or a filter writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
