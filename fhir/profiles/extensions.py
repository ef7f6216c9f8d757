"""Extensions: is their definition loaded, do they follow it, may they stand where they do?

https://hl7.org/fhir/R4/extensibility.html and https://hl7.org/fhir/R4/defining-extensions.html#context
"""

from typing import Any

from fhir.profiles.findings import Where
from fhir.profiles.profile import Unknown, checker, is_base, run
from fhir.profiles.snapshot import Structure, Unusable
from fhir.profiles.walk import Occurrence, Walk
from fhir.spec.elements import CONCRETE_TYPES, properties

_ANY = {"Element", "Resource", "DomainResource"}


def check_extensions(resource: dict[str, Any], where: Where, walk: Walk) -> None:
    """Check all the extensions of a resource: those of its elements, not those inside of extensions."""
    _object(resource, where, (resource["resourceType"],), walk)


def _object(value: dict[str, Any], where: Where, kinds: tuple[str, ...], walk: Walk) -> None:
    """Look at an object; `kinds` are its path in its type, and its type."""
    for name, item in value.items():
        if name in ("extension", "modifierExtension"):
            for index, one in enumerate(item):
                _extension(one, (where, name, index), kinds, walk)
        elif item.__class__ is dict:
            _element(item, (where, name.lstrip("_"), -1), name, kinds, walk)
        elif item.__class__ is list:
            for index, one in enumerate(item):
                if one.__class__ is dict:
                    _element(one, (where, name.lstrip("_"), index), name, kinds, walk)


def _element(value: dict[str, Any], where: Where, name: str, kinds: tuple[str, ...], walk: Walk) -> None:
    if "resourceType" in value:
        # It is a resource of its own; `check_nested` looks at it.
        return
    bare = name.lstrip("_")
    for kind in kinds:
        try:
            element, code = properties(kind)[bare]
        except KeyError:
            continue
        path = f"{kind}.{element.name.removesuffix('[x]')}"
        if element.content_reference:
            path = element.content_reference
        _object(value, where, (path,) if code in ("BackboneElement", "Element", "") else (path, code), walk)
        return


def _extension(value: dict[str, Any], where: Where, kinds: tuple[str, ...], walk: Walk) -> None:
    url = value["url"]
    try:
        found = checker(url, walk.definitions)
    except Unknown:
        modifies = where[1] == "modifierExtension"
        text = f"The extension {url} is not known here" + ("; it may change what is meant." if modifies else ".")
        walk.add("warning" if modifies else "information", where, "extension", text)
        return
    except Unusable as reason:
        walk.add("warning", where, "not-supported", f"The definition of the extension {url} cannot be used: {reason}.")
        return
    structure = found.structure
    if structure.type != "Extension" or is_base(url):
        walk.add("error", where, "extension", f"{url} defines no extension.")
        return
    if not _allowed(structure, kinds):
        text = f"The extension {structure.name} is not for this place; it is for: {_listed(structure)}."
        walk.add("error", where, "extension", text)
    if structure.modifier is not (where[1] == "modifierExtension"):
        place = "modifierExtension" if structure.modifier else "extension"
        walk.add("error", where, "extension", f"The extension {structure.name} belongs into {place}.")
    run(found, Occurrence(value, None, where, "Extension"), walk)


def _allowed(structure: Structure, kinds: tuple[str, ...]) -> bool:
    """Return whether an extension may stand on an element; a context that is no plain path allows it."""
    if not structure.contexts:
        return True
    for kind, expression in structure.contexts:
        if kind != "element" or expression in kinds or expression == "Element":
            return True
        if expression in _ANY and kinds[0] in CONCRETE_TYPES:
            return True
        if expression.removesuffix("[x]") in kinds or "(" in expression or ":" in expression or "#" in expression:
            return True
        if expression == "BackboneElement" and len(kinds) == 1 and "." in kinds[0]:
            return True
    return False


def _listed(structure: Structure) -> str:
    return ", ".join(expression for _, expression in structure.contexts)
