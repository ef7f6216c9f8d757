"""`$lookup`: what a code system says of a code.

https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from collections.abc import Collection, Sequence
from typing import Any

from fhir.errors import NotFound
from fhir.terminology.code_system import ABSTRACT, INACTIVE, CodeSystem
from fhir.terminology.display import display


def _part(name: str, kind: str, value: Any) -> dict[str, Any]:
    return {"name": name, f"value{kind}": value}


def _designation(one: dict[str, Any]) -> dict[str, Any]:
    parts = [_part("language", "Code", one["language"])] if "language" in one else []
    parts += [_part("use", "Coding", one["use"])] if "use" in one else []
    return {"name": "designation", "part": [*parts, _part("value", "String", one["value"])]}


def _property(code: str, kind: str, value: Any, description: str = "") -> dict[str, Any]:
    parts = [_part("code", "Code", code), _part("value", kind, value)]
    return {
        "name": "property",
        "part": [*parts, *([_part("description", "String", description)] if description else [])],
    }


def _properties(
    system: CodeSystem, number: int, rest: dict[str, Any], languages: Sequence[str]
) -> list[dict[str, Any]]:
    found = []
    for name, others in (("parent", system.parents(number)), ("child", system.children(number))):
        found += [_property(name, "Code", system.codes[one], display(system, one, languages)) for one in others]
    if "definition" in rest:
        found.append(_property("definition", "String", rest["definition"]))
    told = set()
    for one in rest.get("property", ()):
        meaning = system.meaning(one["code"])
        told.add(meaning)
        # What was said of parents and children is said above, from both ends.
        if meaning not in ("parent", "child", "subsumedBy"):
            found += [
                _property(one["code"], name[5:], value) for name, value in one.items() if name.startswith("value")
            ]
    flags = system.flags[number]
    if "inactive" not in told:
        found.append(_property("inactive", "Boolean", bool(flags & INACTIVE)))
    if flags & ABSTRACT and "notSelectable" not in told:
        found.append(_property("notSelectable", "Boolean", True))
    return found


def lookup(
    system: CodeSystem, code: str, *, properties: Collection[str] = (), languages: Sequence[str] = ()
) -> dict[str, Any]:
    """Return Parameters of what is known of a code.

    Args:
        system: Its code system.
        code: The code.
        properties: The properties that are wanted; empty for all.
        languages: Those of the display, the best first.

    Raises:
        NotFound: the system has no such code.
    """
    number = system.find(code)
    if number is None:
        raise NotFound(f"{system.url} has no code {code!r} as it is known here", "code")
    found = [_part("name", "String", system.title)]
    found += [_part("version", "String", system.version)] if system.version else []
    found.append(_part("display", "String", display(system, number, languages) or system.codes[number]))
    rest = system.rest(number)
    spoken = [name[5:].lower() for name in properties if name.startswith("lang.")]
    if not properties or "designation" in properties or spoken:
        every = not properties or "designation" in properties
        found += [
            _designation(one)
            for one in rest.get("designation", ())
            if "value" in one and (every or str(one.get("language", "")).lower() in spoken)
        ]
    for one in _properties(system, number, rest, languages):
        if not properties or one["part"][0]["valueCode"] in properties:
            found.append(one)
    return {"resourceType": "Parameters", "parameter": found}
