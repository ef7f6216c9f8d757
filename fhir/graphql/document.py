"""A GraphQL document: read, its operation chosen, its variables given values.

https://spec.graphql.org/October2021/#sec-Document
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    ListTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeNode,
    VariableDefinitionNode,
    parse,
)

from fhir.errors import InvalidValue, NotSupported
from fhir.graphql.values import Value, of_json, of_node

MOST_CHARACTERS = 50_000
"""The longest document."""

MOST_TOKENS = 5_000
"""The most words and marks of a document."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document whose operation is chosen.

    Attributes:
        selection: What the operation selects.
        fragments: By their names.
        variables: The value of each variable of the operation; None for one that was given none.
    """

    selection: SelectionSetNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Value]


def read(text: str, variables: Mapping[str, Any], operation_name: str | None) -> Document:
    """Return a document that is to be carried out.

    Args:
        text: GraphQL.
        variables: By their names, as JSON.
        operation_name: Which operation; it may be left out when there is only one.

    Raises:
        InvalidValue: it is not GraphQL, has no such operation, or a variable has no value of its type.
        NotSupported: the operation is a mutation or a subscription.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidValue(f"A query has at most {MOST_CHARACTERS} characters", "query")
    try:
        document = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLError as error:
        place = f" (line {error.locations[0].line} column {error.locations[0].column})" if error.locations else ""
        raise InvalidValue(f"{error.message}{place}", "query") from None
    operation = _chosen(document, operation_name)
    if operation.operation.value != "query":
        raise NotSupported("Only queries are carried out; resources are written by the other interactions", "query")
    if operation.directives:
        raise InvalidValue("An operation has no directives here", "query")
    fragments: dict[str, FragmentDefinitionNode] = {}
    for one in document.definitions:
        if isinstance(one, FragmentDefinitionNode):
            if one.name.value in fragments:
                raise InvalidValue(f"The fragment {one.name.value} is there twice", "query")
            fragments[one.name.value] = one
    return Document(operation.selection_set, fragments, _values(operation.variable_definitions or (), variables))


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    others = [one for one in document.definitions if not isinstance(one, OperationDefinitionNode)]
    if not all(isinstance(one, FragmentDefinitionNode) for one in others):
        raise InvalidValue("A query defines operations and fragments only", "query")
    if name is not None:
        operations = [one for one in operations if one.name is not None and one.name.value == name]
    if len(operations) != 1:
        raise InvalidValue("operationName names one of the operations of the query", "operationName")
    return operations[0]


def _values(definitions: tuple[VariableDefinitionNode, ...], given: Mapping[str, Any]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for one in definitions:
        name = one.variable.name.value
        if name in found:
            raise InvalidValue(f"The variable {name} is there twice", "query")
        value = given.get(name)
        if name not in given and one.default_value is not None:
            found[name] = of_node(one.default_value, {})
        else:
            found[name] = of_json(value, name)
        _check(found[name], one.type, name)
    return found


def _check(value: Value, wanted: TypeNode, name: str) -> None:
    """Refuse a value that is not of the kind its variable is declared with."""
    if isinstance(wanted, NonNullTypeNode):
        if value is None:
            raise InvalidValue(f"The variable {name} needs a value", f"variables.{name}")
        wanted = wanted.type
    if value is None:
        return
    if isinstance(wanted, ListTypeNode):
        for one in value if isinstance(value, list) else [value]:
            _check(one, wanted.type, name)
        return
    kind = wanted.name.value  # type: ignore[attr-defined]
    good = not isinstance(value, list)
    if kind == "Boolean":
        good = isinstance(value, bool)
    elif kind == "Int":
        good = isinstance(value, int) and not isinstance(value, bool)
    elif kind in ("String", "ID"):
        good = good and not isinstance(value, bool)
    if not good:
        raise InvalidValue(f"The variable {name} is not a value of {kind}", f"variables.{name}")
