"""A concept of a code system, put together from rows.

https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.concept
"""

from collections.abc import Iterable, Mapping

from fhir.terminology.masters.resources import OWN, WITHDRAWN, Json

USE = f"{OWN}/CodeSystem/designation-use"
"""The system of the uses of designations below."""

READING: Json = {"use": {"system": USE, "code": "reading"}}
SYNONYM: Json = {"use": {"system": USE, "code": "synonym"}}
SHORT: Json = {"use": {"system": USE, "code": "short"}}


def concept(
    code: str,
    display: str,
    *,
    withdrawn: bool = False,
    properties: Mapping[str, str] | None = None,
    designations: Iterable[Json] = (),
) -> Json:
    """Return a CodeSystem.concept.

    Args:
        code: Its code.
        display: Its name.
        withdrawn: Whether the publisher has withdrawn it.
        properties: Texts by the properties' codes; empty ones are left out.
        designations: Other names, as `named` makes them.
    """
    found: Json = {"code": code, "display": display}
    if others := list(designations):
        found["designation"] = others
    known = [WITHDRAWN] if withdrawn else []
    known += [{"code": key, "valueString": text} for key, text in (properties or {}).items() if text]
    if known:
        found["property"] = known
    return found


def named(use: Json, *names: str, but: str) -> list[Json]:
    """Return designations of one use: each name once, without empty ones and without the display."""
    return [use | {"value": name} for name in dict.fromkeys(names) if name and name != but]


def text_property(code: str, description: str) -> Json:
    """Return the definition of a property whose values are texts."""
    return {"code": code, "description": description, "type": "string"}
