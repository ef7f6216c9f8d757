"""A SearchParameter resource compiled: what it reads of each of its base types, or why that is not understood.

https://hl7.org/fhir/R4/searchparameter.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fhir.errors import Unprocessable
from fhir.issue import Issue
from fhir.search.composite import IN_ELEMENTS, is_read
from fhir.search.extract import indexed_types
from fhir.spec.corrections import EXPRESSIONS
from fhir.spec.element_paths import R4Elements
from fhir.spec.search_parameters import Component, Rules, SearchParameter, parameters
from fhir.spec.search_paths import Place, resolve
from fhir.store.types import NUMBERS

LONGEST = 4_000
"""Characters of an expression."""

MOST_PATHS = 100
"""Places that one parameter reads."""

MOST_COMPONENTS = 8
"""Parts of a composite."""

TYPES = frozenset({"token", "string", "reference", "date", "number", "quantity", "uri", "composite"})

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9\-_]{0,63}")
_TAKEN = frozenset({"near", "patient"})
"""Codes that mean more than their expression."""

_ELEMENTS = R4Elements()


class _Refused(Exception):
    """A part is not understood: the element it is in, and why."""

    def __init__(self, expression: str, why: str) -> None:
        super().__init__(why)
        self.expression = expression
        self.why = why


def compiled(resource: Mapping[str, Any]) -> tuple[SearchParameter, ...]:
    """Return what a SearchParameter means for each of its base types, not numbered yet.

    Args:
        resource: Parsed JSON whose structure was checked.

    Raises:
        Unprocessable: a part of it is not understood; the issue names the part.
    """
    try:
        return tuple(_of_base(resource, base) for base in _bases(resource))
    except _Refused as refused:
        text = f"This search parameter cannot be used: {refused.why}"
        raise Unprocessable(text, issues=[Issue("error", "not-supported", refused.expression, text)]) from refused


def same(one: SearchParameter, other: SearchParameter) -> bool:
    """Return whether two parameters of one base read the same in the same way."""
    return (one.type, set(one.paths), _parts(one)) == (other.type, set(other.paths), _parts(other))


def _parts(parameter: SearchParameter) -> list[tuple[str, tuple[str, ...]]]:
    return [(part.code, part.paths) for part in parameter.components]


def _bases(resource: Mapping[str, Any]) -> Iterator[str]:
    for number, base in enumerate(resource.get("base", ())):
        if base not in NUMBERS:
            raise _Refused(f"SearchParameter.base[{number}]", f"{base} is no single resource type; name the types")
        yield base


def _of_base(resource: Mapping[str, Any], base: str) -> SearchParameter:
    code, type_, url = (_stated(resource, name) for name in ("code", "type", "url"))
    if not _CODE.fullmatch(code) or code in _TAKEN:
        raise _Refused("SearchParameter.code", f"{code[:70]!r} cannot be the name of a search parameter here")
    if type_ not in TYPES:
        raise _Refused("SearchParameter.type", f"the type {type_} is not supported")
    if resource.get("xpathUsage", "normal") != "normal":
        raise _Refused("SearchParameter.xpathUsage", "only normal is supported")
    found = SearchParameter(0, base, code, type_, _expression(resource, url), url=url, rules=_rules(resource))
    if type_ == "composite":
        return _composite(found, resource.get("component", ()))
    places = [one for one in _places(found.expression, base) if one.type in indexed_types(type_)]
    if not places:
        raise _Refused("SearchParameter.expression", f"it leads to nothing in {base} that a {type_} is read of")
    targets = _targets(resource.get("target", ()), places) if type_ == "reference" else ()
    return replace(found, paths=_paths(places), targets=targets)


def _stated(holder: Mapping[str, Any], name: str, where: str = "SearchParameter") -> str:
    """Return the text of an element; it may have an extension in its place."""
    found = holder.get(name)
    if type(found) is not str:
        raise _Refused(f"{where}.{name}", "a value is needed")
    return found


def _expression(resource: Mapping[str, Any], url: str) -> str:
    expression: str = resource.get("expression") or ""
    if not expression or len(expression) > LONGEST:
        raise _Refused("SearchParameter.expression", f"an expression of up to {LONGEST} characters is needed")
    published, right = EXPRESSIONS.get(url, (None, ""))
    return right if expression == published else expression


def _places(expression: str, context: str, where: str = "SearchParameter.expression") -> tuple[Place, ...]:
    try:
        return resolve(expression, context, _ELEMENTS)
    except (ValueError, RecursionError) as error:
        raise _Refused(where, str(error)) from error


def _paths(places: list[Place] | tuple[Place, ...]) -> tuple[str, ...]:
    paths = tuple(dict.fromkeys(" ".join((*place.steps, f":{place.type}")) for place in places))
    if len(paths) > MOST_PATHS:
        raise _Refused("SearchParameter.expression", f"it reads more than {MOST_PATHS} elements")
    if any(path.startswith("%resource ") for path in paths):
        raise _Refused("SearchParameter.expression", "%resource is understood in components only")
    return paths


def _targets(stated: list[str] | tuple[str, ...], places: list[Place]) -> tuple[str, ...]:
    """Return the stated types, of those that the elements allow."""
    if not any(place.type == "Reference" for place in places):
        return ()
    allowed = {target for place in places for target in place.targets or ("Resource",)}
    for number, target in enumerate(stated):
        if target not in NUMBERS:
            raise _Refused(f"SearchParameter.target[{number}]", f"{target} is no single resource type")
    if "Resource" in allowed:
        return tuple(sorted(stated or NUMBERS))
    targets = tuple(sorted(allowed.intersection(stated) if stated else allowed.intersection(NUMBERS)))
    if not targets:
        raise _Refused("SearchParameter.target", f"the elements refer to {', '.join(sorted(allowed))} only")
    return targets


def _rules(resource: Mapping[str, Any]) -> Rules:
    modifiers, comparators = resource.get("modifier"), resource.get("comparator")
    return Rules(
        None if modifiers is None else frozenset(_modifiers(modifiers, resource)),
        None if comparators is None else frozenset(one for one in comparators if type(one) is str),
        resource.get("multipleOr", True),
        resource.get("multipleAnd", True),
    )


def _modifiers(stated: list[str], resource: Mapping[str, Any]) -> Iterator[str]:
    for one in stated:
        if one == "type":
            # `type` stands for the names of the types that are referred to.
            yield from resource.get("target", NUMBERS)
        elif type(one) is str:
            yield "of-type" if one == "ofType" else one


def _composite(found: SearchParameter, stated: list[dict[str, Any]] | tuple[()]) -> SearchParameter:
    if not 2 <= len(stated) <= MOST_COMPONENTS:
        raise _Refused("SearchParameter.component", f"a composite has 2 to {MOST_COMPONENTS} components here")
    places = _places(found.expression, found.base)
    components = tuple(_component(found.base, number, one, places) for number, one in enumerate(stated))
    paths = _paths(places)
    if any(path.startswith(":") for path in paths):
        for number, part in enumerate(components):
            if len(paths) > 1 or not is_read(found.base, part):
                why = "of the resource itself only what a parameter of R4 reads can be part of a composite"
                raise _Refused(f"SearchParameter.component[{number}].expression", why)
    return replace(found, paths=paths, components=components)


def _component(base: str, number: int, stated: Mapping[str, Any], places: tuple[Place, ...]) -> Component:
    where = f"SearchParameter.component[{number}]"
    url = _stated(stated, "definition", where)
    code = _code_of(base, url)
    if code is None:
        raise _Refused(f"{where}.definition", f"{url} is no search parameter of R4 of {base}")
    type_ = parameters(base)[code].type
    if type_ not in IN_ELEMENTS and not any(place.steps == () for place in places):
        raise _Refused(f"{where}.definition", f"a {type_} cannot be part of a composite of an element")
    found = {
        place
        for context in dict.fromkeys(place.context for place in places)
        for place in _places(_stated(stated, "expression", where), context, f"{where}.expression")
        if place.type in indexed_types(type_)
    }
    if not found:
        raise _Refused(f"{where}.expression", f"it leads to nothing that a {type_} is read of")
    return Component(code, tuple(sorted({" ".join((*place.steps, f":{place.type}")) for place in found})))


_R4 = "http://hl7.org/fhir/SearchParameter/"


def _code_of(base: str, url: str) -> str | None:
    """Return the code of a parameter of R4 by its canonical URL; those of several types have a word before it."""
    _, dash, code = url.partition("|")[0].removeprefix(_R4).partition("-")
    if not url.startswith(_R4) or not dash:
        return None
    return next((one for one in (code, f"_{code}") if one in parameters(base)), None)
