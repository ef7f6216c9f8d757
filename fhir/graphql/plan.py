"""From a document to the fields it selects: fragments put in their places, each name checked against R4's definitions.

A name that R4 does not have there is an error whatever the data are. https://hl7.org/fhir/R4/graphql.html#conformance
"""

from collections.abc import Iterable

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)

from fhir.errors import InvalidValue, NotSupported, TooCostly
from fhir.graphql.arguments import check_element, check_read, check_reference, check_search, condition_of
from fhir.graphql.document import Document
from fhir.graphql.field import Directives, Field, Kind, merged
from fhir.graphql.members import QUERY, SEARCH, below, graph_name, meant, members
from fhir.graphql.values import Value, of_node
from fhir.spec.elements import CONCRETE_TYPES
from fhir.store.types import NUMBERS

MOST_FIELDS = 1_000
"""The most fields of a query, once fragments are put in their places."""

DEEPEST = 20
"""The most fields within fields."""

DEEPEST_FRAGMENTS = 50
"""The most fragments within fragments, inline ones included."""

_SHAPING = ("flatten", "first", "singleton", "slice")


def plan(document: Document, type_name: str = QUERY) -> tuple[Field, ...]:
    """Return what a document selects of a resource of a type, or at the level of the system.

    Raises:
        InvalidValue: it names what is not there, or leaves out what must be.
        NotSupported: it asks for introspection.
        TooCostly: it has more fields, or nests deeper, than one query may.
    """
    return _Reader(document).fields(document.selection, frozenset((type_name,)), 1, ())


class _Reader:
    """One reading."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = MOST_FIELDS

    def fields(
        self, selected: SelectionSetNode, types: frozenset[str], depth: int, inside: tuple[str, ...]
    ) -> tuple[Field, ...]:
        """Return what is selected of objects that may be of these types; `inside` are the fragments around it."""
        if depth > DEEPEST:
            raise TooCostly(f"A query nests at most {DEEPEST} fields", "query")
        return merged([*self._all(selected.selections, types, depth, inside)])

    def _all(
        self, selections: Iterable[SelectionNode], types: frozenset[str], depth: int, inside: tuple[str, ...]
    ) -> Iterable[Field]:
        for one in selections:
            self._left -= 1
            if self._left < 0:
                raise TooCostly(f"A query has at most {MOST_FIELDS} fields, those of its fragments included", "query")
            directives = self._directives(one.directives or (), isinstance(one, FieldNode))
            if directives is None:
                continue
            if isinstance(one, FieldNode):
                yield self._field(one, types, directives, depth, inside)
            else:
                yield from self._fragment(one, types, depth, inside)

    def _fragment(
        self, one: SelectionNode, types: frozenset[str], depth: int, inside: tuple[str, ...]
    ) -> Iterable[Field]:
        if len(inside) >= DEEPEST_FRAGMENTS:
            raise TooCostly(f"A query nests at most {DEEPEST_FRAGMENTS} fragments", "query")
        if isinstance(one, FragmentSpreadNode):
            name = one.name.value
            fragment = self._document.fragments.get(name)
            if fragment is None:
                raise InvalidValue(f"There is no fragment {name}", name)
            if name in inside:
                raise InvalidValue(f"The fragment {name} contains itself", name)
            condition, inside = fragment.type_condition.name.value, (*inside, name)
            selected = fragment.selection_set
        elif isinstance(one, InlineFragmentNode):
            condition, inside = one.type_condition.name.value if one.type_condition else "", (*inside, "")
            selected = one.selection_set
        else:
            raise InvalidValue("This selection is not understood", "query")
        narrowed = types
        if condition:
            narrowed = frozenset({name for name in types if name in meant(condition) or graph_name(name) == condition})
        if not narrowed:
            raise InvalidValue(f"There can be no {condition} where the fragment stands", condition)
        yield from self._all(selected.selections, narrowed, depth, inside)

    def _directives(self, nodes: Iterable[DirectiveNode], of_field: bool) -> Directives | None:
        """Return how a selection is shaped; None when it is left out."""
        kept, shaping = True, dict[str, object]()
        for node in nodes:
            name = node.name.value
            given = {one.name.value: of_node(one.value, self._document.variables) for one in node.arguments or ()}
            if name in ("skip", "include"):
                if given.keys() != {"if"} or not isinstance(given["if"], bool):
                    raise InvalidValue(f"@{name} has the argument if: true or false", f"@{name}")
                kept &= given["if"] == (name == "include")
            elif name not in _SHAPING or not of_field or name in shaping:
                raise InvalidValue(f"The directive @{name} is not understood here", f"@{name}")
            else:
                shaping[name] = _shape(name, given)
        if "slice" in shaping and "first" in shaping:
            raise InvalidValue("@slice and @first do not go together", "@slice")
        return Directives(**shaping) if kept else None  # type: ignore[arg-type]

    def _field(
        self, node: FieldNode, types: frozenset[str], directives: Directives, depth: int, inside: tuple[str, ...]
    ) -> Field:
        name = node.name.value
        key = node.alias.value if node.alias else name
        arguments: dict[str, Value] = {}
        for one in node.arguments or ():
            if one.name.value in arguments:
                raise InvalidValue(f"The argument {one.name.value} is there twice", name)
            arguments[one.name.value] = of_node(one.value, self._document.variables)
        kind, on, inner, wanted = _resolved(name, types, arguments, has_fields=node.selection_set is not None)
        if kind in ("typename", "beside") and directives.signature != Directives().signature:
            raise InvalidValue(f"{name} is not shaped", name)
        condition = condition_of(arguments, name)
        fields: tuple[Field, ...] = ()
        if node.selection_set is not None:
            fields = self.fields(node.selection_set, inner, depth + 1, inside)
        elif directives.flatten or directives.slice:
            raise InvalidValue(f"{name} has no fields that could stand in its place", name)
        scalar = node.selection_set is None
        return Field(name, key, kind, on, scalar, arguments, directives, wanted, condition, fields)


def _shape(name: str, given: dict[str, Value]) -> object:
    if name != "slice":
        if given:
            raise InvalidValue(f"@{name} has no arguments", f"@{name}")
        return True
    path = given.get("path", given.get("fhirpath"))
    if len(given) != 1 or not isinstance(path, str) or not all(part.isidentifier() for part in _steps(path)):
        raise InvalidValue("@slice has a path: $index, or the names of elements parted by full stops", "@slice")
    return path


def _steps(path: str) -> list[str]:
    return [] if path == "$index" else path.split(".")


Resolved = tuple[Kind, frozenset[str], frozenset[str], str]
"""What a field is, where it is selected, the types of its values, and the resource type it is about."""


def _resolved(name: str, types: frozenset[str], arguments: dict[str, Value], *, has_fields: bool) -> Resolved:
    """Return what a name means in objects of these types.

    Raises:
        InvalidValue: none of them has it, or it is a scalar with fields, or an object without.
    """
    if name == "__typename":
        if arguments or has_fields:
            raise InvalidValue("__typename is a text", name)
        return "typename", types, frozenset(), ""
    if name in ("__schema", "__type"):
        raise NotSupported("Introspection is not supported: names are those of R4's definitions", name)
    resolved = _special(name, types, arguments)
    if resolved is None:
        resolved = _element(name, types, arguments, has_fields=has_fields)
    elif not has_fields:
        raise InvalidValue(f"{name} is an object: say which of its fields are wanted", name)
    return resolved


def _special(name: str, types: frozenset[str], arguments: dict[str, Value]) -> Resolved | None:
    """Return what a field of the graph means that is no element; None when it may be one."""
    if name == "resource" and "Reference" in types:
        wanted = check_reference(arguments)
        return "reference", frozenset(("Reference",)), frozenset((wanted,)) if wanted else CONCRETE_TYPES, wanted
    if types == {QUERY} and name in NUMBERS:
        check_read(arguments, name)
        return "read", types, frozenset((name,)), name
    match = SEARCH.fullmatch(name)
    if match is None or match[1] not in NUMBERS:
        return None
    on = types & (CONCRETE_TYPES | {QUERY})
    if not on:
        return None
    check_search(name, match[1], on, arguments)
    if match[2] == "List":
        return "list", on, frozenset((match[1],)), match[1]
    return "connection", on, frozenset((name,)), match[1]


def _element(name: str, types: frozenset[str], arguments: dict[str, Value], *, has_fields: bool) -> Resolved:
    if name == "resourceType" and (on := types & CONCRETE_TYPES) and not arguments and not has_fields:
        return "typename", on, frozenset(), ""
    plain = name.removeprefix("_")
    beside = plain != name
    found = {one: part for one in types if (part := members(one).get(plain)) is not None}
    if beside:
        found = {one: part for one, part in found.items() if part.kind == "primitive"}
    if not found:
        there = ", ".join(sorted(map(graph_name, types))) if len(types) < 4 else "What can stand here"
        raise InvalidValue(f"{there} has no field {name[:100]}", name[:100])
    if beside:
        if arguments or not has_fields:
            raise InvalidValue(f"{name} is an object without arguments", name)
        return "beside", frozenset(found), frozenset(("Element",)), ""
    fitting = {one: part for one, part in found.items() if (part.kind in ("object", "resource")) == has_fields}
    if not fitting:
        what = "a single value, without fields" if has_fields else "an object: say which of its fields are wanted"
        raise InvalidValue(f"{name} is {what}", name)
    inner = frozenset().union(*map(below, fitting.values())) if has_fields else frozenset[str]()
    check_element(name, inner, arguments)
    return "element", frozenset(fitting), inner, ""
