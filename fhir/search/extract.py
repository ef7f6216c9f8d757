"""What a resource is found by: its index rows, narrow tuples that begin with the parameter's number.

https://hl7.org/fhir/R4/search.html
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from fhir.recurring import TYPES, Recurring
from fhir.search import composite, date, near, number, quantity, reference, string, token, uri
from fhir.search.accessor import Collect, Node, plant, walk
from fhir.search.contained import with_writers
from fhir.search.content import Row, content_row
from fhir.search.in_force import R4, InForce
from fhir.search.internal import internal_rows
from fhir.spec.elements import properties
from fhir.spec.search_parameters import SearchParameter, parameters

VERSION = 7
"""Counts up when the same resource would give other rows; older rows must then be made again."""

MOST_OWN = 1_000
"""Rows of one resource under one number of a parameter that is the hub's own; what is beyond is not found by it."""

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


NO_INDEX = Index([], [], [], [], [], [], [], [])
"""The index rows of what nobody finds."""

SLOTS = ("token", "string", "date", "number", "quantity", "reference", "uri")
"""The parameter types that are indexed, in the order of `Index`."""

_TOKEN, _STRING, _REFERENCE, _COMPOSITE = 0, 1, SLOTS.index("reference"), len(SLOTS)

NOT_INDEXED = {
    ("date", "Age"): "an age is no date without the date of birth",
    ("date", "Range"): "a range of ages is no date without the date of birth",
    ("quantity", "SampledData"): "a series has no single value",
    ("reference", "Attachment"): "an inline document has no address",
}
"""(parameter type, FHIR type) that R4 expressions lead to and that give no rows, each with its reason."""


def extract(
    resource: dict[str, Any],
    *,
    zone: dt.timezone = date.JST,
    base_url: str = "",
    japanese: bool = False,
    known: InForce = R4,
) -> Index:
    """Return the index rows of a resource.

    Values that are not of their element's type are left out; finding them is the structure checker's work.

    Args:
        resource: Parsed JSON, with its `resourceType`; an unknown one has no rows.
        zone: The fixed offset that dates without one are meant in.
        base_url: The server's own; references under it are indexed as relative. Empty for none.
        japanese: Whether strings are folded further, as `fhir.search.string.fold` says; a query must fold them alike.
        known: The search parameters there are.
    """
    rows: tuple[list[Any], ...] = ([], [], [], [], [], [], [], [])
    text: tuple[Row, ...] = ()
    type_name = resource.get("resourceType")
    if type(type_name) is str and parameters(type_name):
        walk(with_writers(resource), _tree(type_name, zone, base_url, japanese), rows)
        rows[_COMPOSITE].extend(_composites(type_name, zone, base_url, japanese)(resource))
        rows[_REFERENCE].extend(internal_rows(resource, rows[_REFERENCE]))
        text = content_row(resource)
        if type_name in known.indexed:
            for slot, own in zip(rows, _own_rows(resource, type_name, known, zone, base_url, japanese), strict=True):
                slot.extend(own)
    # The same code under two parameters gives two rows, twice under one parameter only one.
    once: list[Any] = [list(dict.fromkeys(slot)) if len(slot) > 1 else slot for slot in rows]
    return Index(*[*once, text])


def extract_own(
    resource: dict[str, Any],
    *,
    zone: dt.timezone = date.JST,
    base_url: str = "",
    japanese: bool = False,
    known: InForce,
) -> Index:
    """Return the index rows of the hub's own parameters alone; the arguments are those of `extract`."""
    type_name = resource.get("resourceType")
    if type(type_name) is not str or type_name not in known.indexed:
        return Index([], [], [], [], [], [], [], [])
    rows = _own_rows(resource, type_name, known, zone, base_url, japanese)
    once: list[Any] = [list(dict.fromkeys(slot)) for slot in rows]
    return Index(*once)


def _own_rows(
    resource: dict[str, Any], type_name: str, known: InForce, zone: dt.timezone, base_url: str, japanese: bool
) -> tuple[list[Any], ...]:
    rows: tuple[list[Any], ...] = ([], [], [], [], [], [], [], [])
    walk(resource, _own_tree(type_name, known, zone, base_url, japanese), rows)
    for read in _own_composites(type_name, known, zone, base_url, japanese):
        rows[_COMPOSITE].extend(read(resource))
    return tuple([_bounded(slot) for slot in rows])


def _bounded(slot: list[Any]) -> list[Any]:
    """Return the first rows under each number."""
    if len(slot) <= MOST_OWN:
        return slot
    counts: Counter[int] = Counter()
    kept = []
    for row in dict.fromkeys(slot):
        counts[row[0]] += 1
        if counts[row[0]] <= MOST_OWN:
            kept.append(row)
    return kept


@lru_cache(maxsize=256)
def _own_tree(type_name: str, known: InForce, zone: dt.timezone, base_url: str, japanese: bool) -> Node:
    """Compile the hub's own parameters of a resource type. Each has rows of its own: any of them may go again."""
    root = Node()
    for parameter in known.indexed[type_name]:
        for (path, slot), ids in _ids_by_path([parameter]).items():
            _plant(root, path, slot, ids, _extractors(zone, base_url, japanese))
    return root


@lru_cache(maxsize=256)
def _own_composites(
    type_name: str, known: InForce, zone: dt.timezone, base_url: str, japanese: bool
) -> tuple[composite.Read, ...]:
    extractors = _extractors(zone, base_url, japanese)
    found = [one for one in known.indexed[type_name] if one.type == "composite"]
    return tuple(composite.reader_of_own(one, extractors) for one in found)


@cache
def _composites(type_name: str, zone: dt.timezone, base_url: str, japanese: bool) -> composite.Read:
    return composite.reader(type_name, _extractors(zone, base_url, japanese))


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


Found = tuple[tuple[int, tuple[Any, ...]], ...]
"""Rows of one element, by their slots."""

_FOUND: Recurring[Found] = Recurring()


@cache
def _tree(type_name: str, zone: dt.timezone, base_url: str, japanese: bool) -> Node:
    """Compile the parameters of a resource type; elements that recur are looked at once."""
    root = Node()
    extractors = _extractors(zone, base_url, japanese)
    for (path, slot), ids in _ids_by_path(parameters(type_name).values()).items():
        _plant(root, path, slot, ids, extractors)
    return _looking_once(root, type_name)


def _looking_once(node: Node, type_name: str) -> Node:
    """Return a tree that finds the same; below an element of a type that recurs it is walked once for each JSON."""
    known = properties(type_name)
    for name, child in node.children.items():
        element, type_ = known.get(name, (None, ""))
        if type_ in TYPES:
            # What holds for one item alone depends on more than the item.
            node.children[name] = Node([_collect_once(child)], items=child.items)
        elif element is not None and type_ == "BackboneElement" and not element.content_reference:
            _looking_once(child, f"{type_name}.{name}")
    return node


def _collect_once(node: Node) -> Collect:
    alone = Node(node.leaves, node.children, filtered=node.filtered)

    def rows_of(element: Any) -> Found:
        rows: tuple[list[Any], ...] = ([], [], [], [], [], [], [], [])
        walk(element, alone, rows)
        return tuple((slot, tuple(new)) for slot, new in enumerate(rows) if new)

    find = _FOUND.once(rows_of)

    def collect(element: Any, rows: Any) -> None:
        for slot, new in find(element):
            rows[slot].extend(new)

    return collect


def _plant(root: Node, path: str, slot: str, ids: tuple[int, ...], extractors: dict[str, dict[str, Extractor]]) -> None:
    element_type = path.rpartition(":")[2]
    if slot == "token" and element_type in string.TEXTS:
        plant(root, path, _collect(_STRING, string.TEXTS[element_type], (min(ids),)))
    if slot == "reference" and element_type == "Reference":
        plant(root, path, _collect(_TOKEN, token.of_referred_identifier, ids))
    if (slot, element_type) not in NOT_INDEXED:
        plant(root, path, _collect(SLOTS.index(slot), extractors[slot][element_type], ids))


def indexed_types(type_: str) -> frozenset[str]:
    """Return the FHIR types of which a parameter of a type makes index rows; none for a composite."""
    return frozenset(_extractors(date.JST, "", False).get(type_, {})) - {"BackboneElement"}


def _ids_by_path(parameters: Iterable[SearchParameter]) -> dict[tuple[str, str], tuple[int, ...]]:
    """Return who reads what: parameters that share a path and a type share the work."""
    ids: dict[tuple[str, str], tuple[int, ...]] = {}
    for parameter in parameters:
        slot = "number" if parameter.code == "near" else parameter.type
        if slot in SLOTS:
            for path in parameter.paths:
                ids[path, slot] = (*ids.get((path, slot), ()), parameter.id)
    return ids


def text_numbers(parameter: SearchParameter) -> tuple[int, ...]:
    """Return the numbers under which the texts of a token parameter's codes are indexed, among the strings.

    Parameters of R4 that read the same element share them.
    """
    if parameter.is_own:
        texts = parameter.type == "token" and not parameter.element_types.isdisjoint(string.TEXTS)
        return (parameter.id,) if texts else ()
    return _r4_text_numbers(parameter)


@cache
def _r4_text_numbers(parameter: SearchParameter) -> tuple[int, ...]:
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
