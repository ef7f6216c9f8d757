"""A field of a query, checked: what is selected, of which types, by which arguments.

https://hl7.org/fhir/R4/graphql.html#fields
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from fhir.errors import InvalidValue
from fhir.graphql.values import Value
from fhir.patch.path import Condition

Kind = Literal["element", "beside", "typename", "reference", "read", "list", "connection"]


@dataclass(frozen=True, slots=True, eq=False)
class Directives:
    """How the output is shaped: https://hl7.org/fhir/R4/graphql.html#flattening.

    Attributes:
        flatten: The field itself is left out, its children stand in its place.
        first: Only the first value counts.
        singleton: The output is one value, though a parent that is left out would make a list of it.
        slice: The path whose value is added to the names of the output; `$index` counts.
    """

    flatten: bool = False
    first: bool = False
    singleton: bool = False
    slice: str | None = None

    @property
    def signature(self) -> tuple[object, ...]:
        """What two fields must have in common to be one."""
        return self.flatten, self.first, self.singleton, self.slice


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field.

    Attributes:
        name: Its name.
        key: Its name in the output: the alias, or the name.
        kind: An element, the extensions beside a primitive (`_birthDate`), `__typename`, the resource that a Reference
            means, a read, a search.
        on: The types of objects in which it is selected.
        scalar: Whether its values have no elements.
        arguments: By their names.
        directives: How the output is shaped.
        type: Of a read and a search the resource type; of `resource` the type that is wanted, if one is.
        condition: What the argument `fhirpath` says.
        fields: What is selected of its values.
    """

    name: str
    key: str
    kind: Kind
    on: frozenset[str]
    scalar: bool
    arguments: dict[str, Value]
    directives: Directives
    type: str = ""
    condition: Condition | None = None
    fields: "tuple[Field, ...]" = field(default=())

    @property
    def signature(self) -> tuple[object, ...]:
        """What two fields of one key must have in common."""
        return self.name, self.kind, self.scalar, sorted(self.arguments.items(), key=str), self.directives.signature


def merged(fields: list[Field]) -> tuple[Field, ...]:
    """Return fields so that in an object of any type each key of the output comes from one.

    https://spec.graphql.org/October2021/#sec-Field-Selection-Merging

    Raises:
        InvalidValue: two fields of one key are not the same.
    """
    found: list[Field] = []
    waiting = list(reversed(fields))
    while waiting:
        one = waiting.pop()
        for place, other in enumerate(found):
            if one.key != other.key or _parted(one, other) or not (common := one.on & other.on):
                continue
            if one.signature != other.signature:
                raise InvalidValue(f"Two different fields would be called {one.key}: give one an alias", one.key)
            found[place] = replace(other, on=common, fields=merged([*other.fields, *one.fields]))
            waiting += [replace(rest, on=rest.on - common) for rest in (other, one) if rest.on - common]
            break
        else:
            found.append(one)
    return tuple(found)


def _parted(one: Field, other: Field) -> bool:
    """Return whether the two are about resources of different types, so that only one of them has a value."""
    return one.kind == other.kind == "reference" and one.type != other.type and bool(one.type and other.type)
