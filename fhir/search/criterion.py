"""One `name:modifier=value` of a query, read by the type of its parameter; chains are followed to it.

https://hl7.org/fhir/R4/search.html#modifiers
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fhir.errors import FhirError, InvalidValue, NotSupported, UnknownParameter
from fhir.search import chain, composite, date, near, number, quantity, reference, string, token, uri
from fhir.search import text as full_text
from fhir.search.asked import Asked, Criterion, any_of
from fhir.search.in_force import R4, InForce
from fhir.search.values import Value, missing, split, split_prefix, unescape
from fhir.spec.search_parameters import Rules, SearchParameter, parameters


@dataclass(frozen=True, slots=True)
class Region:
    """What a query's text means depends on where it is asked.

    Attributes:
        base_url: The server's own, without a closing slash; references under it are local. Empty for none.
        zone: The fixed offset that dates without one are meant in.
        japanese: Whether strings are folded further, as index rows are.
        known: The search parameters there are.
    """

    base_url: str = ""
    zone: dt.timezone = date.JST
    japanese: bool = False
    known: InForce = R4


MODIFIERS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"exact", "contains"}),
    "token": frozenset({"not", "text", "of-type", "in", "not-in", "above", "below"}),
    "uri": frozenset({"above", "below"}),
    "reference": frozenset({"identifier"}),
}
"""By parameter type; every type has `missing` too, and a reference the types it may refer to."""

_NEEDED: Mapping[str, frozenset[str]] = {
    "text": frozenset(string.TEXTS),
    "of-type": frozenset({"Identifier"}),
    "identifier": frozenset({"Reference"}),
}
_CODED = frozenset({"Coding", "CodeableConcept", "code"})
_OF_TOKENS: Mapping[str, Callable[[str], Value]] = {
    "in": token.parse_value_set,
    "not-in": token.parse_value_set,
    "above": token.parse_concept,
    "below": token.parse_concept,
}
"""How a value is read that stands for codes (`fhir.search.terms`)."""

"""The FHIR types of which a parameter must have one, by modifier."""

_BY_MODIFIER: Mapping[str, Callable[[str], Value]] = {
    "text": string.parse,
    "of-type": token.parse_of_type,
    "identifier": token.parse,
    "above": uri.parse_above,
}
"""How a value is read that is of another form with a modifier."""

_PARSERS: Mapping[str, Callable[[str], Value]] = {
    "token": token.parse,
    "number": number.parse,
    "quantity": quantity.parse,
    "uri": uri.parse,
    "special": near.parse,
}
"""By parameter type; strings, dates and references need to know the region as well."""

FULL_TEXT = frozenset({"_text", "_content"})
"""String parameters of R4 that ask the full text instead of an element."""

SEARCHABLE = frozenset({*_PARSERS, "string", "date", "reference"})
"""The parameter types that can be asked and sorted by; what composites ask is asked of their parts."""


def find(type_name: str, code: str, known: InForce) -> SearchParameter:
    """Return the search parameter of a resource type.

    Raises:
        UnknownParameter: Neither R4 nor the hub has one of this name.
        NotSupported: It is there, but it is not indexed, or not yet.
    """
    parameter = known.get(type_name, code)
    if parameter is None:
        raise UnknownParameter(f"{type_name} has no search parameter {code!r}", code)
    special = parameter.type == "special" and code != "near"
    if code not in FULL_TEXT and (parameter.type not in SEARCHABLE or not parameter.paths or special):
        raise NotSupported(f"the {parameter.type} search parameter {code} is not supported", code)
    return parameter


def parse(type_name: str, name: str, text: str, region: Region) -> Asked:
    """Return what one name and value of a query ask for.

    Args:
        type_name: The resource type that is searched.
        name: `code` or `code:modifier`, perhaps at the end of a chain or a `_has`.
        text: One or more values, separated by commas.
        region: Where it is asked.

    Raises:
        UnknownParameter: The type has no such parameter.
        NotSupported: The parameter or its modifier is not supported.
        InvalidValue: A value is empty or not of the parameter's type.
        TooCostly: A chain is too long.
    """
    if not chain.is_chained(name):
        return _plain(type_name, name, text, region)
    try:
        return _followed(type_name, name, text, region, 0)
    except FhirError as error:
        raise type(error)(f"{name}: {error.diagnostics}", name) from error


def _followed(type_name: str, name: str, text: str, region: Region, depth: int) -> Asked:
    if not chain.is_chained(name):
        return _plain(type_name, name, text, region)
    led = chain.parse(
        type_name, name, depth, lambda target, rest, far: _followed(target, rest, text, region, far), region.known
    )
    code, _, modifier = name.partition(":")
    if "." in code and code in region.known.of(type_name) and modifier != "missing":
        # What the chain leads to may be contained, where it is found without a step.
        return any_of([_plain(type_name, name, text, region), led])
    return led


def _plain(type_name: str, name: str, text: str, region: Region) -> Asked:
    """Return the criterion of a name without steps."""
    code, colon, modifier = name.partition(":")
    known = region.known.of(type_name).get(code)
    if known is not None and known.type == "composite":
        return _ruled(known, _composite(known, name, text, region), name, text)
    parameter = find(type_name, code, region.known)
    if colon and not _takes(parameter, modifier):
        raise NotSupported(f"the modifier :{modifier} is not supported on {code}", name)
    try:
        texts = [form for part in split(text, ",") for form in _forms(parameter, modifier, part)]
        values = tuple(_value(parameter, modifier, part, region) for part in texts)
    except InvalidValue as error:
        raise InvalidValue(error.diagnostics, name) from error
    return _ruled(parameter, Criterion(parameter, modifier or None, values), name, text)


def _forms(parameter: SearchParameter, modifier: str, text: str) -> Sequence[str]:
    """Return a token in all forms of its system: JP Core's address and the OID find each other's identifiers."""
    is_token = parameter.type == "token" and modifier in ("", "not")
    return token.in_other_forms(text) if is_token or modifier == "identifier" else (text,)


def _ruled(parameter: SearchParameter, asked: Asked, name: str, text: str) -> Asked:
    """Return what is asked if the parameter's definition allows it.

    Raises:
        NotSupported: it does not.
    """
    if parameter.rules is not None:
        _check(parameter.rules, parameter, name, split(text, ","))
    return asked


def _check(rules: Rules, parameter: SearchParameter, name: str, texts: Sequence[str]) -> None:
    modifier = name.partition(":")[2]
    if modifier and rules.modifiers is not None and modifier not in rules.modifiers:
        raise NotSupported(f"the modifier :{modifier} is not supported on {parameter.code}", name)
    if len(texts) > 1 and not rules.several_values:
        raise NotSupported(f"{parameter.code} takes one value, not several with commas between them", name)
    if parameter.type not in ("date", "number", "quantity") or rules.comparators is None or modifier == "missing":
        return
    for prefix in {split_prefix(one)[0] for one in texts} - rules.comparators - {"eq"}:
        raise NotSupported(f"the prefix {prefix} is not supported on {parameter.code}", name)


def _composite(parameter: SearchParameter, name: str, text: str, region: Region) -> Asked:
    modifier = name.partition(":")[2]
    if modifier == "missing":
        return composite.missing(parameter, missing(unescape(text)).missing)
    if ":" in name:
        raise NotSupported(f"the modifier :{modifier} is not supported on {parameter.code}", name)
    known = [parameters(parameter.base)[part.code] for part in parameter.components]
    alternatives = []
    for alternative in split(text, ","):
        texts = split(alternative, "$")
        if len(texts) != len(known):
            raise InvalidValue(f"not {len(known)} values with $ between them: {alternative!r}", name)
        values = [_value(part, "", value, region) for part, value in zip(known, texts, strict=True)]
        alternatives.append(composite.asked(parameter, values))
    return any_of(alternatives)


def _takes(parameter: SearchParameter, modifier: str) -> bool:
    return (
        modifier == "missing"
        or (
            modifier in MODIFIERS.get(parameter.type, ())
            and parameter.code not in FULL_TEXT
            and (modifier not in _NEEDED or bool(_NEEDED[modifier] & parameter.element_types))
            and (parameter.type != "token" or modifier not in _OF_TOKENS or is_coded(parameter))
        )
        or (parameter.type == "reference" and modifier in parameter.targets)
    )


def is_coded(parameter: SearchParameter) -> bool:
    """Return whether a parameter holds codes of code systems."""
    return bool(_CODED & parameter.element_types) and parameter.code != "_id"


def _value(parameter: SearchParameter, modifier: str, text: str, region: Region) -> Value:
    if not text:
        # Leaving an empty value out would answer with what nobody asked for.
        raise InvalidValue("a value is empty")
    if modifier == "missing":
        return missing(unescape(text))
    if parameter.code in FULL_TEXT:
        return full_text.parse(text)
    if parameter.type == "token" and modifier in _OF_TOKENS:
        return _OF_TOKENS[modifier](text)
    if modifier in _BY_MODIFIER:
        return _BY_MODIFIER[modifier](text)
    if parameter.type == "string":
        return string.parse(text, japanese=region.japanese)
    if parameter.type == "date":
        return date.parse(text, region.zone)
    if parameter.type == "reference":
        if modifier and not reference.resolves_to({"reference": unescape(text)}, modifier):
            raise InvalidValue(f"not a {modifier}: {text!r}")
        return reference.parse(text, (modifier,) if modifier else parameter.targets, region.base_url)
    return _PARSERS[parameter.type](text)
