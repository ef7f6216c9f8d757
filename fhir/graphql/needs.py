"""What a selection needs beside the resources that are there: those that References mean, and searches.

All that resources of one level need is gathered before anything is read, so that it can be read at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fhir.graphql.budget import Budget
from fhir.graphql.field import Field
from fhir.graphql.members import members
from fhir.graphql.select import Tree, taken, type_of
from fhir.search.reference import target
from fhir.xml.shape import Part


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk is.

    Attributes:
        resource: The resource, with those that it contains.
        link: Its reference, `Patient/1`; empty inside a contained resource or an entry, to which nothing refers.
    """

    resource: Tree
    link: str


@dataclass(slots=True)
class Needs:
    """What is needed.

    Attributes:
        links: The references to be resolved, each with the fields that are wanted of what they mean.
        searches: The searches, each with the reference of the resource that the matches must refer to.
    """

    base_url: str
    budget: Budget
    links: list[tuple[str, Field]] = field(default_factory=list)
    searches: list[tuple[str, Field]] = field(default_factory=list)

    def gather(self, tree: Tree, type_name: str, fields: tuple[Field, ...], place: Place) -> None:
        """Note what fields of an object need."""
        self.budget.visit()
        for one in fields:
            if type_name not in one.on:
                continue
            if one.kind == "element" and not one.scalar:
                part = members(type_name)[one.name]
                for _, value in taken(one, part, tree, self.budget):
                    self.gather(value, type_of(part, value), one.fields, within(part, value, place))
            elif one.kind == "reference":
                self._reference(tree, one, place)
            elif one.kind in ("list", "connection") and place.link:
                self.searches.append((place.link, one))

    def _reference(self, tree: Tree, one: Field, place: Place) -> None:
        link = meant_by(tree, self.base_url)
        if link.startswith("#"):
            inside = contained(place.resource, link)
            if inside is not None and fits(one, inside):
                self.gather(inside, str(inside["resourceType"]), one.fields, Place(place.resource, ""))
        elif is_wanted(one, link):
            self.links.append((link, one))


def within(part: Part, value: Any, place: Place) -> Place:
    """Return where a value of an element is: what a search found stands by itself, what is contained does not."""
    if part.kind != "resource":
        return place
    if part.type == "Resource":
        return Place(place.resource, "")
    return Place(value, f"{part.type}/{value.get('id')}")


def meant_by(reference: Tree, base_url: str) -> str:
    """Return what a Reference refers to, relative where it is of this server; an empty text when it says nothing."""
    link = reference.get("reference")
    if not isinstance(link, str):
        return ""
    plain, mark, version = link.partition("/_history/")
    return target(plain, base_url) + mark + version


def is_wanted(one: Field, link: str) -> bool:
    """Return whether a link is to a resource of the type that a field wants."""
    return bool(link) and (not one.type or link.partition("/")[0] == one.type)


def fits(one: Field, resource: Tree) -> bool:
    """Return whether a resource is of the type that a field wants."""
    return not one.type or resource.get("resourceType") == one.type


def contained(resource: Tree, link: str) -> Tree | None:
    """Return the contained resource that `#id` means, `#` the resource itself."""
    if link == "#":
        return resource
    return next((one for one in _all(resource) if one.get("id") == link[1:]), None)


def _all(resource: Tree) -> Iterator[dict[str, Any]]:
    yield from resource.get("contained", ())
