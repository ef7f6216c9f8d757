"""The answer to a query, made of what was read for it: `data` in the shape of the fields.

https://hl7.org/fhir/R4/graphql.html#flattening
"""

from collections.abc import Mapping
from typing import Any

from fhir.errors import NotFound, Unprocessable
from fhir.exact import Number
from fhir.graphql.budget import Budget
from fhir.graphql.field import Field
from fhir.graphql.members import graph_name, members
from fhir.graphql.needs import Place, contained, fits, is_wanted, meant_by, within
from fhir.graphql.select import Tree, taken, type_of, written


class _Output:
    """An object of the answer while it is made; what comes from several values is gathered under one name."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._from: dict[str, tuple[str, bool]] = {}

    def add(self, field: Field, suffix: str, origin: str, value: Any, *, listed: bool) -> None:
        """Add one value.

        Raises:
            Unprocessable: another kind of value is there already, or a second one where there may be one.
        """
        name = field.key + suffix
        self.begin(field, suffix, origin, listed=listed)
        if listed:
            self.values[name].append(value)
        elif self.values.get(name) is not None:
            raise Unprocessable(f"{name} has more than one value", name)
        else:
            self.values[name] = value

    def begin(self, field: Field, suffix: str, origin: str, *, listed: bool) -> None:
        """Add a list that may stay empty, or note what is to come."""
        name = field.key + suffix
        known = self._from.setdefault(name, (origin, listed))
        if known != (origin, listed):
            raise Unprocessable(f"{name} would hold values of different kinds: give one an alias", name)
        if listed:
            self.values.setdefault(name, [])


class Answering:
    """Makes one answer.

    Args:
        resources: What references mean, by them; None for what does not exist for the caller.
        results: What reads and searches found, by the field's `id` and the reference of the resource it is in.
        base_url: The server's own address.
        budget: What the query may still cost.
    """

    def __init__(
        self,
        resources: Mapping[str, Tree | None],
        results: Mapping[tuple[int, str], Any],
        base_url: str,
        budget: Budget,
    ) -> None:
        self._resources = resources
        self._results = results
        self._base_url = base_url
        self._budget = budget

    def object(self, tree: Tree, type_name: str, fields: tuple[Field, ...], place: Place) -> dict[str, Any]:
        """Return an object with the fields that are selected of it.

        Raises:
            NotFound: a reference means nothing that exists for the caller, and is not optional.
            Unprocessable: directives would put together what does not belong together.
            TooCostly: the answer would be too large.
        """
        out = _Output()
        self._fields(tree, type_name, fields, place, out, "", listed=False)
        return out.values

    def _fields(
        self,
        tree: Tree,
        type_name: str,
        fields: tuple[Field, ...],
        place: Place,
        out: _Output,
        suffix: str,
        *,
        listed: bool,
    ) -> None:
        self._budget.visit()
        for one in fields:
            if type_name in one.on:
                self._field(tree, type_name, one, place, out, suffix, listed=listed)

    def _field(
        self, tree: Tree, type_name: str, one: Field, place: Place, out: _Output, suffix: str, *, listed: bool
    ) -> None:
        if one.kind == "typename":
            out.add(one, suffix, "typename", graph_name(type_name), listed=listed)
        elif one.kind == "beside":
            self._beside(tree, one, place, out, suffix, listed=listed)
        elif one.kind == "element":
            part = members(type_name)[one.name]
            values = [(number, value, type_of(part, value)) for number, value in taken(one, part, tree, self._budget)]
            several = part.many and not one.directives.first
            at = within(part, values[0][1], place) if values else place
            self._values(one, part.type, values, several, at, out, suffix, listed=listed)
        elif one.kind == "reference":
            self._reference(tree, one, place, out, suffix, listed=listed)
        else:
            self._result(one, place, out, suffix, listed=listed)

    def _values(
        self,
        one: Field,
        origin: str,
        values: list[tuple[int, Any, str]],
        several: bool,
        place: Place,
        out: _Output,
        suffix: str,
        *,
        listed: bool,
    ) -> None:
        """Add the values of a field, each with its number and type."""
        directives = one.directives
        as_list = (several or listed) and not directives.singleton
        if as_list and values and not directives.flatten and directives.slice is None:
            out.begin(one, suffix, origin, listed=True)
        for number, value, type_name in values:
            extended = suffix + _slice(directives.slice, number, value)
            if directives.flatten:
                self._fields(value, type_name, one.fields, place, out, extended, listed=listed or several)
            elif one.scalar:
                self._budget.visit(_size(value))
                if value is not None or not listed:
                    out.add(one, extended, origin, value, listed=as_list)
            else:
                made = self.object(value, type_name, one.fields, place)
                if made or type_name in members_known(one):
                    out.add(one, extended, origin, made, listed=as_list)

    def _beside(self, tree: Tree, one: Field, place: Place, out: _Output, suffix: str, *, listed: bool) -> None:
        found = tree.get(one.name)
        if found is None:
            return
        several = isinstance(found, list)
        for value in found if several else [found]:
            made = None if value is None else self.object(value, "Element", one.fields, place)
            out.add(one, suffix, "Element", made, listed=several or listed)

    def _reference(self, tree: Tree, one: Field, place: Place, out: _Output, suffix: str, *, listed: bool) -> None:
        link = meant_by(tree, self._base_url)
        if link.startswith("#"):
            found, at = contained(place.resource, link), Place(place.resource, "")
            wanted = found is None or fits(one, found)
        else:
            found, wanted = self._resources.get(link), is_wanted(one, link)
            at = Place(found or {}, link)
        if not wanted and link:
            return
        if found is None:
            if one.arguments.get("optional") is not True:
                raise NotFound(f"{link[:200] or 'A reference without an address'} cannot be resolved", one.key)
            return
        type_name = str(found["resourceType"])
        if any(type_name in inner.on for inner in one.fields):
            self._values(one, "Resource", [(0, found, type_name)], False, at, out, suffix, listed=listed)

    def _result(self, one: Field, place: Place, out: _Output, suffix: str, *, listed: bool) -> None:
        result = self._results.get((id(one), place.link))
        several = one.kind == "list"
        if one.kind == "connection":
            found = [] if result is None else [(0, result, f"{one.type}Connection")]
        else:
            trees = result if several else [result]
            trees = (trees or [])[:1] if one.directives.first else trees or []
            found = [(number, tree, one.type) for number, tree in enumerate(trees)]
        if several and not listed and not one.directives.flatten and one.directives.slice is None:
            out.begin(one, suffix, one.type, listed=not one.directives.singleton and not one.directives.first)
        for number, tree, type_name in found:
            at = place if one.kind == "connection" else Place(tree, f"{type_name}/{tree.get('id')}")
            several_now = several and not one.directives.first
            self._values(one, one.type, [(number, tree, type_name)], several_now, at, out, suffix, listed=listed)


def members_known(one: Field) -> frozenset[str]:
    """Return the types of values of which something is selected: one without any of it is an empty object."""
    return frozenset().union(*(inner.on for inner in one.fields))


def _slice(path: str | None, number: int, value: Any) -> str:
    """Return what `@slice` adds to the names of the output.

    Raises:
        Unprocessable: the path leads to no single value.
    """
    if path is None:
        return ""
    if path == "$index":
        return f".{number}"
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str | int | Number):
        return f".{written(value)}"
    if value is None:
        return "."
    raise Unprocessable(f"@slice: {path} leads to no single value", path)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str) else 8
