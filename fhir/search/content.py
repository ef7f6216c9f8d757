"""The text of a resource: its narrative, and everything else that a person would read.

What is text follows from R4's definitions: strings and markdown. Codes, ids, addresses, units and versions are left
out, whatever their type: parameters of their own find them, and nobody looks for a word there.
https://hl7.org/fhir/R4/search.html#_content
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any
from xml.parsers import expat

from fhir.recurring import TYPES, Recurring
from fhir.search.text import LONGEST, joined
from fhir.spec.elements import COMPLEX_TYPES, CONCRETE_TYPES, properties
from fhir.spec.search_parameters import parameters

LONGEST_DIV = 10 * LONGEST
"""Characters of a narrative's XHTML that are read."""

_TEXT = ""
"""In place of a type: the element is a text itself."""

_MACHINES = """
    Meta Identifier ContactPoint Quantity Age Count Distance Duration MoneyQuantity SimpleQuantity Money Period
    Range Ratio SampledData Signature Expression
"""
WITHOUT_TEXT = frozenset(_MACHINES.split())
"""Types whose strings are names for machines: units, numbers, keys."""

_LEFT_OUT = frozenset({("Bundle", "entry"), ("Reference", "reference")})
"""An address, and what is found by itself: a document's entries are resources too."""

_LEFT_OUT_EVERYWHERE = frozenset({"version", "lotNumber", "serialNumber", "softwareVersion", "versionId"})

_RUNNING = """
    a abbr acronym b bdo big cite code del dfn em font i ins kbd q s samp small span strike strong sub sup tt u
    var
"""
_INLINE = frozenset(_RUNNING.split())
"""Elements of XHTML that do not part what is before from what is after."""

Row = tuple[int, str, str]
"""The number of the type's `_content`, the narrative's lines, the lines of the other texts."""


@cache
def number_of(type_name: str) -> int:
    """Return the number under which a type's texts are kept: that of its `_content`; 0 if it has none."""
    parameter = parameters(type_name).get("_content")
    return parameter.id if parameter else 0


@cache
def _plan(type_name: str) -> Mapping[str, str]:
    """Return where the texts of a type or a backbone are: the JSON key, and `_TEXT` or the type to go on with."""
    plan: dict[str, str] = {}
    root = type_name.partition(".")[0]
    for name, (element, type_) in properties(type_name).items():
        if (type_name, name) in _LEFT_OUT or name in _LEFT_OUT_EVERYWHERE or type_ in WITHOUT_TEXT:
            continue
        if type_ in ("string", "markdown"):
            plan[name] = _TEXT
        elif element.content_reference:
            plan[name] = element.content_reference
        elif type_ in ("BackboneElement", "Element"):
            plan[name] = f"{type_name}.{name}"
        elif type_ in COMPLEX_TYPES or type_ in ("Narrative", "Resource"):
            plan[name] = type_
    if type_name == root and root in CONCRETE_TYPES and root != "Parameters":
        plan.pop("text", None)
    return plan


def _texts(value: Any, type_name: str) -> Iterator[str]:
    """Yield the texts below an element of a type."""
    if type(value) is list:
        for item in value:
            yield from _texts(item, type_name)
    elif type_name == _TEXT:
        if type(value) is str:
            yield value
    elif type(value) is not dict:
        return
    elif type_name == "Narrative":
        yield from _pieces(value)
    elif type_name == "Resource":
        inner = value.get("resourceType")
        if type(inner) is str and inner in CONCRETE_TYPES:
            yield from _pieces(value.get("text"))
            yield from _of_object(value, inner)
    else:
        yield from _of_object(value, type_name)


_FOUND: Recurring[tuple[str, ...]] = Recurring()


def _all_texts(type_name: str, value: Any) -> tuple[str, ...]:
    return tuple(_texts(value, type_name))


@cache
def _readers(type_name: str) -> Mapping[str, Callable[[Any], Iterable[str]]]:
    """Return what reads the texts of each element of a type that has some; those that recur are read once."""
    known = properties(type_name)
    readers: dict[str, Callable[[Any], Iterable[str]]] = {}
    for key, below in _plan(type_name).items():
        read = partial(_all_texts, below)
        readers[key] = _FOUND.once(read) if known[key][1] in TYPES else partial(_texts, type_name=below)
    return readers


def _of_object(value: Mapping[str, Any], type_name: str) -> Iterator[str]:
    readers = _readers(type_name)
    for key, inner in value.items():
        read = readers.get(key)
        if read is not None:
            yield from read(inner)


def _pieces(narrative: Any) -> list[str]:
    """Return the texts of a Narrative, parted where XHTML begins a new block."""
    div = narrative.get("div") if type(narrative) is dict else None
    if type(div) is not str:
        return []
    found: list[str] = []

    def part(name: str, *_: object) -> None:
        if name.rpartition(":")[2].lower() not in _INLINE:
            found.append("\n")

    parser = expat.ParserCreate()
    parser.StartElementHandler = parser.EndElementHandler = part
    parser.CharacterDataHandler = lambda text: found.append(text.replace("\n", " "))
    # What is cut, or was stored before narratives were checked, ends early: what was read by then is its text.
    with suppress(expat.ExpatError, UnicodeEncodeError):
        parser.Parse(div[:LONGEST_DIV], True)
    return "".join(found).split("\n")


def content_row(resource: Mapping[str, Any]) -> tuple[Row, ...]:
    """Return the row of a resource's texts; none if it has no text."""
    type_name: str = resource["resourceType"]
    number = number_of(type_name)
    narrative = joined(_pieces(resource.get("text")))
    other = joined(_of_object(resource, type_name)) if number else ""
    return ((number, narrative, other),) if number and (narrative or other) else ()
