"""How search parameters are told to integrators: what a value looks like, which modifiers there are.

https://hl7.org/fhir/R4/search.html
"""

from typing import Any

from app.records.capabilities import ASKED_OF_ALL, searchable
from fhir.search.criterion import FULL_TEXT, MODIFIERS
from fhir.search.in_force import R4, InForce
from fhir.spec.search_parameters import SearchParameter
from fhir.store.types import NUMBERS

VALUES = {
    "token": "A code: `code`, `system|code`, `|code` or `system|`.",
    "string": "The beginning of a text; width, case and accents make no difference.",
    "date": "A date or a time, perhaps with a prefix (`eq ne gt lt ge le sa eb ap`): `ge2024-05`.",
    "number": "A number, perhaps with a prefix: `gt6.3`.",
    "quantity": "A number with or without a unit: `gt6.3|http://unitsofmeasure.org|%`.",
    "reference": "An id, `Type/id` or a URL; a chain goes on after a dot.",
    "uri": "A URL or URN, whole.",
    "composite": "Values with `$` between them.",
    "special": "`latitude|longitude|distance|unit`.",
}
"""By the type of a parameter, what its value looks like; several values with commas between them are alternatives."""

CONTROLS: dict[str, tuple[dict[str, Any], str]] = {
    "_count": ({"type": "integer", "minimum": 0}, "Resources on a page; 0 for the total alone."),
    "_sort": ({"type": "string"}, "Search parameters in the order that counts, a hyphen before what goes down."),
    "_total": ({"type": "string", "enum": ["none", "estimate", "accurate"]}, "Whether the total is wanted."),
    "_summary": ({"type": "string", "enum": ["true", "text", "data", "count", "false"]}, "Which part is wanted."),
    "_elements": ({"type": "string"}, "Names of the elements that are wanted, parted by commas."),
    "_include": ({"type": "string"}, "What the matches refer to: `Observation:subject`, `*`."),
    "_revinclude": ({"type": "string"}, "What refers to the matches: `Provenance:target`, `*`."),
    "_contained": ({"type": "string", "enum": ["false"]}, "Contained resources are found by what holds them."),
    "_format": ({"type": "string", "enum": ["json", "xml"]}, "How the answer is written; stronger than `Accept`."),
    "_pretty": ({"type": "boolean"}, "Whether the answer is laid out for people."),
    "_cursor": ({"type": "string"}, "What a page link carries; opaque."),
}
"""What shapes the answer of a search: the form of its value, and what it means."""


def modifiers(parameter: SearchParameter) -> list[str]:
    """Return the modifiers that a parameter takes."""
    own = MODIFIERS.get(parameter.type, ()) if parameter.code not in FULL_TEXT else ()
    return sorted({"missing", *own})


def targets(parameter: SearchParameter) -> str:
    """Return the types that a reference may lead to, in words."""
    if parameter.type != "reference":
        return ""
    return "any type" if len(parameter.targets) == len(NUMBERS) else ", ".join(parameter.targets)


def text(parameter: SearchParameter) -> str:
    """Return what a parameter is asked with."""
    about = VALUES[parameter.type]
    if parameter.code in FULL_TEXT:
        about = "Words that must all occur in the full text."
    if parameter.type == "composite":
        about += f" Of {', '.join(one.code for one in parameter.components)}."
    elif parameter.type == "reference":
        about += f" Leads to {targets(parameter)}."
    return f"{about} Modifiers: {', '.join(':' + one for one in modifiers(parameter))}."


def query_parameter(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    """Return a parameter of the query as OpenAPI has it."""
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def parameters_of(type_name: str, known: InForce = R4) -> list[dict[str, Any]]:
    """Return what a search of a type takes, or, without a type, a search of any."""
    own = [query_parameter(one.code, {"type": "string"}, text(one)) for one in searchable(type_name, known)]
    whole = [query_parameter(name, {"type": "string"}, about) for name, about in ASKED_OF_ALL.items()]
    if type_name:
        whole = [one for one in whole if one["name"] != "_type"]
    controls = [query_parameter(name, *told) for name, told in CONTROLS.items()]
    return [*own, *whole, *controls]


def any_parameter() -> dict[str, Any]:
    """Return the parameter that stands for the search parameters of a type that is not known yet."""
    return {
        "name": "parameters",
        "in": "query",
        "description": "The search parameters of the type; `openapi.json?type=Patient` lists those of one type.",
        "style": "form",
        "explode": True,
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    }
