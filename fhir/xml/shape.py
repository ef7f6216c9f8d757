"""What the XML of a type looks like: its parts in the order of the definition, and which of them are attributes.

https://hl7.org/fhir/R4/xml.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from fhir.spec.elements import CONCRETE_TYPES, PRIMITIVE_TYPES, Element, properties

FHIR = "http://hl7.org/fhir"
"""The namespace of every element of FHIR."""

XHTML = "http://www.w3.org/1999/xhtml"
"""The namespace of narrative."""

SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
"""The namespace of the hints for validators that examples carry."""

Kind = Literal["primitive", "object", "resource", "narrative"]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A member of a JSON object, and the XML element or attribute it is."""

    name: str
    """The name in both forms; a choice is spelled out: `valueQuantity`."""
    place: int
    """Where it stands among its siblings; the forms of a choice share one place."""
    kind: Kind
    """How its content is written."""
    type: str
    """The primitive type, or what `shape` is asked for to know the content."""
    many: bool
    """Whether it may be repeated."""
    attribute: bool
    """Whether XML has it as an attribute: `id` of all that is no resource, `url` of extensions."""


@cache
def shape(type_name: str) -> Mapping[str, Part]:
    """Return the parts of a type, or of a backbone inside it, by name.

    Args:
        type_name: `Observation`, `Coding`, or the path of a backbone: `Observation.component`.

    Raises:
        KeyError: R4 has no such type or backbone.
    """
    places: dict[str, int] = {}
    return MappingProxyType(
        {
            name: _part(type_name, name, element, code, places.setdefault(element.name, len(places)))
            for name, (element, code) in properties(type_name).items()
        }
    )


def _part(owner: str, name: str, element: Element, code: str, place: int) -> Part:
    kind: Kind = "object"
    if code == "xhtml":
        kind = "narrative"
    elif code in PRIMITIVE_TYPES:
        kind = "primitive"
    elif code == "Resource":
        kind = "resource"
    elif element.content_reference:
        code = element.content_reference
    elif code in ("BackboneElement", "Element"):
        code = f"{owner}.{name}"
    attribute = (name == "id" and owner not in CONCRETE_TYPES) or (owner == "Extension" and name == "url")
    return Part(name, place, kind, code, element.max is None, attribute)
