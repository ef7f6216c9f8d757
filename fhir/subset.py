"""Parts of a resource: what `_summary` and `_elements` leave of it.

Numbers keep their text and members their order. What is left is marked SUBSETTED: nobody is to take it for the whole.
https://hl7.org/fhir/R4/search.html#summary, https://hl7.org/fhir/R4/search.html#elements
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fhir.errors import InvalidValue
from fhir.exact import read, write
from fhir.spec.elements import COMPLEX_TYPES, Element, properties

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
"""The tag of a resource that is not whole."""

_ALWAYS = frozenset({"resourceType", "id", "meta"})


@dataclass(frozen=True, slots=True)
class Subset:
    """Which part of each resource is wanted.

    Attributes:
        summary: `true`, `text` or `data`; None when elements are named.
        elements: Names of elements, alone for the resources that were asked for, or `Type.name` for those of a type.
    """

    summary: str | None = None
    elements: tuple[str, ...] = ()


def chosen(summary: str | None, elements: Sequence[str], types: Sequence[str]) -> Subset | None:
    """Return which part is wanted; None for the whole.

    Args:
        summary: The value of `_summary`, if it was given.
        elements: The values of `_elements`.
        types: The resource types that are asked for; an element without a type is of one of them.

    Raises:
        InvalidValue: both are given, or none of the types has such an element.
    """
    if summary in (None, "false", "count"):
        summary = None
    elif elements:
        raise InvalidValue(f"_elements cannot be combined with _summary={summary}", "_elements")
    for name in elements:
        kind, path = _split(name)
        if not any(_has(one, path) for one in ((kind,) if kind else types)):
            raise InvalidValue(f"_elements: no element of this name: {name!r}", "_elements")
    return Subset(summary, tuple(elements)) if summary or elements else None


def part(body: bytes, subset: Subset, *, asked: bool = True) -> bytes:
    """Return the part of a resource that is wanted, marked SUBSETTED.

    Args:
        body: The resource as stored.
        subset: Which part.
        asked: Whether it was asked for itself; if it was only included, elements without a type do not speak of it.
    """
    tree = read(body)
    kind = tree["resourceType"]
    if subset.summary is None:
        names = _named(subset.elements, kind, asked)
        if not names:
            return body
        kept: dict[str, Any] = _filtered(tree, lambda name: _is_named(kind, name, names))
    elif subset.summary == "true":
        kept = _summary(tree, kind)
    elif subset.summary == "text":
        kept = _filtered(tree, lambda name: name == "text" or _is_mandatory(kind, name))
    else:
        kept = _filtered(tree, lambda name: name != "text")
    return write(marked(kept))


def is_subsetted(resource: Mapping[str, Any]) -> bool:
    """Return whether a checked resource says of itself that it is not whole."""
    tags = resource.get("meta", {}).get("tag", ())
    return any((one.get("system"), one.get("code")) == (SUBSETTED["system"], SUBSETTED["code"]) for one in tags)


def _split(name: str) -> tuple[str, str]:
    """Return the type before an element's name, if there is one, and the name of the element at the top."""
    first, _, rest = name.partition(".")
    kind, path = (first, rest) if first[:1].isupper() else ("", name)
    return kind, path.partition(".")[0]


def _stem(element: Element) -> str:
    return element.name.removesuffix("[x]")


def _has(kind: str, name: str) -> bool:
    try:
        return any(name in (key, _stem(element)) for key, (element, _) in properties(kind).items())
    except KeyError:
        return False


def _named(elements: Sequence[str], kind: str, asked: bool) -> frozenset[str]:
    parts = [_split(name) for name in elements]
    return frozenset(name for of, name in parts if of == kind or (asked and not of))


@lru_cache(maxsize=512)
def _known(kind: str) -> Mapping[str, Element]:
    """Return what may stand in an object of a type, the siblings of primitives too."""
    found = {name: element for name, (element, _) in properties(kind).items()}
    return found | {f"_{name}": element for name, element in found.items()}


def _is_named(kind: str, name: str, names: frozenset[str]) -> bool:
    element = _known(kind).get(name)
    if element is None:
        return False
    # What changes the meaning of the rest is not left out: a MedicationRequest may say that it must not be done.
    return element.min > 0 or element.modifier or bool({name.lstrip("_"), _stem(element)} & names)


def _is_mandatory(kind: str, name: str) -> bool:
    element = _known(kind).get(name)
    return element is not None and element.min > 0


def _filtered(tree: Mapping[str, Any], keeps: Callable[[str], bool]) -> dict[str, Any]:
    return {name: value for name, value in tree.items() if name in _ALWAYS or keeps(name)}


def _summary(tree: Mapping[str, Any], kind: str) -> dict[str, Any]:
    known = properties(kind)
    kept: dict[str, Any] = {}
    for name, value in tree.items():
        if name == "resourceType" or (name in ("id", "extension") and kind in COMPLEX_TYPES):
            # An extension inside a value is part of it: a name's says whether it is kanji or kana.
            kept[name] = value
            continue
        element, code = known[name.lstrip("_")]
        if element.summary or element.modifier or element.min > 0:
            left = _summary_value(value, f"{kind}.{element.name}", element, code)
            # An empty object or array is not allowed in FHIR.
            if left not in ({}, []):
                kept[name] = left
    return kept


def _summary_value(value: Any, path: str, element: Element, code: str) -> Any:
    if isinstance(value, list):
        left = [_summary_value(one, path, element, code) for one in value]
        return [one for one in left if one != {}]
    if not isinstance(value, dict) or code == "Extension":
        return value
    if code == "Resource":
        return _summary(value, value["resourceType"])
    if code in ("BackboneElement", "Element"):
        return _summary(value, path)
    if element.content_reference:
        return _summary(value, element.content_reference)
    return _summary(value, code) if code in COMPLEX_TYPES else value


def marked(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a resource that says of itself that it is not whole."""
    if is_subsetted(tree):
        return tree
    meta = dict(tree.get("meta", {}))
    meta["tag"] = [*meta.get("tag", ()), SUBSETTED]
    return {**tree, "meta": meta}
