"""What a resource is found by: its index rows, narrow tuples that begin with the parameter's number.

https://hl7.org/fhir/R4/search.html
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from fhir.recurring import TYPES, Recurring, written
from fhir.search import composite, date, near, number, quantity, reference, string, token, uri
from fhir.search.accessor import Collect, Node, plant, walk
from fhir.search.content import Row, content_row
from fhir.search.internal import internal_rows
from fhir.spec.elements import properties
from fhir.spec.search_parameters import SearchParameter, parameters

VERSION = 3
"""Counts up when the same resource would give other rows; older rows must then be made again."""

Extractor = Callable[[Any], Iterable[tuple[Any, ...]]]


class Index(NamedTuple):
    """The index rows of one resource; no row is there twice.

    Attributes:
        token: (parameter id, code hash or 0, system hash or 0); of references, the identifiers they name.
        string: (parameter id, folded text, hash of the exact text); of tokens, the texts of their codes.
        date: (parameter id, lo, hi): microseconds since 1970-01-01T00:00Z, hi outside.
        number: (parameter id, lo, hi), both inside; of `near`, latitude and longitude.
        quantity: (parameter id, unit hash or 0 for any, lo, hi), both inside.
        reference: (parameter id, target hash); with rows for the hub itself, whose numbers are below 0.
        uri: (parameter id, hash, text).
        composite: (part number, element, hash, second hash, lo, hi), see `fhir.search.composite`.
        text: The folded texts, as `fhir.search.content` makes them; not of a parameter.
    """

    token: list[tuple[int, int, int]]
    string: list[tuple[int, str, int]]
    date: list[tuple[int, int, int]]
    number: list[tuple[int, float, float]]
    quantity: list[tuple[int, int, float, float]]
    reference: list[tuple[int, int]]
    uri: list[tuple[int, int, str]]
    composite: list[composite.Row]
    text: tuple[Row, ...] = ()

    @property
    def parameters(self) -> set[int]:
        """The numbers of the parameters that have a value; what `:missing` is about."""
        return {row[0] for slot in SLOTS for row in getattr(self, slot) if row[0] > 0}


SLOTS = ("token", "string", "date", "number", "quantity", "reference", "uri")
"""The parameter types that are indexed, in the order of `Index`."""

_TOKEN, _STRING, _REFERENCE, _COMPOSITE = 0, 1, SLOTS.index("reference"), len(SLOTS)

NOT_INDEXED = {
    ("date", "Age"): "an age is no date without the date of birth",
    ("date", "Range"): "a range of ages is no date without the date of birth",
    ("date", "string"): "a described time cannot be compared",
    ("quantity", "SampledData"): "a series has no single value",
    ("reference", "Attachment"): "an inline document has no address",
}
"""(parameter type, FHIR type) that R4 expressions lead to and that give no rows, each with its reason."""


def extract(
    resource: dict[str, Any], *, zone: dt.timezone = date.JST, base_url: str = "", japanese: bool = False
) -> Index:
    """Return the index rows of a resource.

    Values that are not of their element's type are left out; finding them is the structure checker's work.

    Args:
        resource: Parsed JSON, with its `resourceType`; an unknown one has no rows.
        zone: The fixed offset that dates without one are meant in.
        base_url: The server's own; references under it are indexed as relative. Empty for none.
        japanese: Whether strings are folded further, as `fhir.search.string.fold` says; a query must fold them alike.
    """
    rows: tuple[list[Any], ...] = ([], [], [], [], [], [], [], [])
    text: tuple[Row, ...] = ()
    type_name = resource.get("resourceType")
    if type(type_name) is str and parameters(type_name):
        recurring, others = _trees(type_name, zone, base_url, japanese)
        _collect_recurring(resource, recurring, rows)
        walk(resource, others, rows)
        rows[_COMPOSITE].extend(composite.rows(resource, type_name, _extractors(zone, base_url, japanese)))
        rows[_REFERENCE].extend(internal_rows(resource, rows[_REFERENCE]))
        text = content_row(resource)
    # The same code under two parameters gives two rows, twice under one parameter only one.
    once: list[Any] = [list(dict.fromkeys(slot)) if len(slot) > 1 else slot for slot in rows]
    return Index(*[*once, text])


@cache
def _extractors(zone: dt.timezone, base_url: str, japanese: bool) -> dict[str, dict[str, Extractor]]:
    """Return the extractors by parameter type and FHIR type."""
    return {
        "token": {**token.EXTRACTORS},
        "string": {**string.extractors(japanese=japanese)},
        "date": {**date.extractors(zone)},
        "number": {**number.EXTRACTORS, **near.EXTRACTORS},
        "quantity": {**quantity.EXTRACTORS},
        "reference": {**reference.extractors(base_url)},
        "uri": {**uri.EXTRACTORS},
    }


_FOUND: Recurring[tuple[tuple[int, tuple[Any, ...]], ...]] = Recurring()
_NODES = count()


def _collect_recurring(resource: Mapping[str, Any], nodes: Mapping[str, tuple[int, Node]], rows: Any) -> None:
    """Collect the rows of the elements that recur from one resource to the next."""
    for key, (place, node) in nodes.items():
        element = resource.get(key)
        if element is None:
            continue
        json = written(element)
        known = (place, 0, json or b"")
        found = _FOUND.known.get(known) if json else None
        if found is None:
            alone: tuple[list[Any], ...] = tuple([] for _ in rows)
            walk({key: element}, node, alone)
            found = tuple((slot, tuple(new)) for slot, new in enumerate(alone) if new)
            if json:
                _FOUND.keep(known, found)
        for slot, new in found:
            rows[slot].extend(new)


@cache
def _trees(
    type_name: str, zone: dt.timezone, base_url: str, japanese: bool
) -> tuple[Mapping[str, tuple[int, Node]], Node]:
    """Return what is done with each element that recurs, under a number of its own, and with all others."""
    root = _tree(type_name, zone, base_url, japanese)
    types = {name: type_ for name, (_, type_) in properties(type_name).items()}
    names = [name for name in root.children if types.get(name) in TYPES]
    alone = {name: (next(_NODES), Node(children={name: root.children[name]})) for name in names}
    others = {name: child for name, child in root.children.items() if name not in alone}
    return alone, Node(root.leaves, others, root.items, root.filtered)


def _tree(type_name: str, zone: dt.timezone, base_url: str, japanese: bool) -> Node:
    """Compile the parameters of a resource type."""
    root = Node()
    extractors = _extractors(zone, base_url, japanese)
    for (path, slot), ids in _ids_by_path(parameters(type_name).values()).items():
        element_type = path.rpartition(":")[2]
        if slot == "token" and element_type in string.TEXTS:
            plant(root, path, _collect(_STRING, string.TEXTS[element_type], (min(ids),)))
        if slot == "reference" and element_type == "Reference":
            plant(root, path, _collect(_TOKEN, token.of_referred_identifier, ids))
        if (slot, element_type) not in NOT_INDEXED:
            plant(root, path, _collect(SLOTS.index(slot), extractors[slot][element_type], ids))
    return root


def _ids_by_path(parameters: Iterable[SearchParameter]) -> dict[tuple[str, str], tuple[int, ...]]:
    """Return who reads what: parameters that share a path and a type share the work."""
    ids: dict[tuple[str, str], tuple[int, ...]] = {}
    for parameter in parameters:
        slot = "number" if parameter.code == "near" else parameter.type
        if slot in SLOTS:
            for path in parameter.paths:
                ids[path, slot] = (*ids.get((path, slot), ()), parameter.id)
    return ids


@cache
def text_numbers(parameter: SearchParameter) -> tuple[int, ...]:
    """Return the numbers under which the texts of a token parameter's codes are indexed, among the strings.

    Parameters that read the same element share them.
    """
    ids = _ids_by_path(parameters(parameter.base).values())
    paths = [path for path in parameter.paths if path.rpartition(":")[2] in string.TEXTS]
    return tuple(dict.fromkeys(min(ids[path, "token"]) for path in paths)) if parameter.type == "token" else ()


def _collect(slot: int, extractor: Extractor, ids: tuple[int, ...]) -> Collect:
    if len(ids) > 1:

        def collect_many(element: Any, rows: Any) -> None:
            rows[slot].extend([(id_, *row) for row in extractor(element) for id_ in ids])

        return collect_many
    (only,) = ids

    def collect(element: Any, rows: Any) -> None:
        rows[slot].extend([(only, *row) for row in extractor(element)])

    return collect
