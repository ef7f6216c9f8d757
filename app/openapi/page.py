"""The page for people: `GET /fhir/api`. What the OpenAPI document says to programs, in an order that a person reads.

Rendered here, without a script, under the portal's content security policy.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from app.imaging.services import SERVICES
from app.openapi.fhir_paths import TEXTS, about, is_of
from app.openapi.search import CONTROLS, modifiers, targets, text
from app.records.capabilities import (
    ASKED_OF_ALL,
    includes,
    interactions_of,
    operations_of,
    reverse_includes,
    searchable,
)
from app.records.interactions import INTERACTIONS
from app.records.operations import OPERATIONS, definition, named_in
from app.records.patch import FORMATS
from fhir.search.in_force import R4, InForce
from fhir.store.types import NUMBERS

LONGEST = 100
"""Characters of a type that is looked for."""

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def _with_code(text: str) -> Markup:
    """Return a text in which what stands between backticks is code."""
    parts = escape(text).split("`")
    return Markup("").join(Markup("<code>{}</code>").format(one) if n % 2 else one for n, one in enumerate(parts))


_environment.filters["with_code"] = _with_code


def _address(form: str, type_name: str = "") -> str:
    """Return the form of a path as a person writes it: `/fhir/[type]/[id]`."""
    words = {"type": type_name or "[type]", "id": "[id]", "version": "[vid]", "member": "[member]", "number": "[n]"}
    return "/".join(["/fhir", *(words.get(word, word) for word in form.split("/") if word)])


def _interactions(codes: list[str], type_name: str) -> list[dict[str, str]]:
    """Return a row for each interaction that is no operation."""
    return [
        {"method": method, "address": _address(form, type_name), "code": one.code, "text": about(form, one.code)}
        for (method, form), one in INTERACTIONS.items()
        if one.code in codes and (not type_name or is_of(form, one.code, type_name))
    ]


def _operations(names: list[str], address: str, type_name: str) -> list[dict[str, Any]]:
    """Return what the page tells of each operation."""
    return [
        {
            "name": name,
            "operation": OPERATIONS[name],
            "definition": definition(address, name),
            "requests": [
                (method, _address(form, type_name))
                for method, form in INTERACTIONS
                if named_in(form) == name and (form.startswith("type") or not type_name)
            ],
        }
        for name in names
        if name in OPERATIONS
    ]


def _of_type(address: str, type_name: str, known: InForce) -> dict[str, Any]:
    parameters = [
        {"code": one.code, "type": one.type, "text": text(one), "modifiers": modifiers(one), "targets": targets(one)}
        for one in searchable(type_name, known)
    ]
    return {
        "interactions": _interactions(interactions_of(type_name), type_name),
        "operations": _operations(operations_of(type_name), address, type_name),
        "parameters": parameters,
        "includes": includes(type_name, known),
        "reverse_includes": reverse_includes(type_name, known),
    }


def _whole(address: str) -> dict[str, Any]:
    return {
        "interactions": _interactions(list(TEXTS), ""),
        "operations": _operations(sorted(OPERATIONS), address, ""),
        "parameters": [],
        "services": [
            (method, f"/dicomweb/{form.replace('*', '[uid]')}", one.code) for (method, form), one in SERVICES.items()
        ],
    }


@lru_cache(maxsize=256)
def _rendered(address: str, type_name: str, known: InForce) -> bytes:
    told = _of_type(address, type_name, known) if type_name else _whole(address)
    page = _environment.get_template("api.html").render(
        **{"services": (), "includes": (), "reverse_includes": (), **told},
        address=address,
        type_name=type_name,
        types=sorted(NUMBERS),
        controls={name: about for name, (_, about) in CONTROLS.items()} | ASKED_OF_ALL,
        patches=list(FORMATS),
    )
    return page.encode()


def _missing(address: str, asked: str) -> bytes:
    """Return the page of a name that is no type, with the types that are like it."""
    like = [name for name in sorted(NUMBERS) if asked.lower() in name.lower()]
    template = _environment.get_template("no_type.html")
    return template.render(address=address, asked=asked, like=like, types=sorted(NUMBERS)).encode()


def page(address: str, asked: str, known: InForce = R4) -> tuple[int, bytes]:
    """Return the status and the HTML of the page about a type, or about everything when none is asked for."""
    asked = asked.strip()[:LONGEST]
    types = {name.lower(): name for name in NUMBERS}
    if not asked or asked.lower() in types:
        return 200, _rendered(address, types.get(asked.lower(), ""), known)
    return 404, _missing(address, asked)
