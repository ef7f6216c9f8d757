"""Token search: codes with or without their system.

https://hl7.org/fhir/R4/search.html#token
"""

from typing import Any

from fhir.errors import InvalidValue
from fhir.search.hashing import hash64
from fhir.search.values import TermValue, TokenValue, split, unescape
from fhir.spec.identifier_systems import forms

Row = tuple[int, int]
"""`hash64` of the code (0 if there is only a system) and of the system (0 if there is none)."""


_OF_TYPE = hash64("\0of-type")
"""In the place of a system's hash: the row is of an identifier's type, code and value."""


def _pair(code: object, system: object) -> list[Row]:
    if type(code) is str:
        return [(hash64(code), hash64(system) if type(system) is str else 0)]
    # `system|` finds codings of which only the system is known.
    return [(0, hash64(system))] if type(system) is str else []


def of_coding(value: Any) -> list[Row]:
    """Return the row of a Coding."""
    return _pair(value.get("code"), value.get("system")) if type(value) is dict else []


def of_codeable_concept(value: Any) -> list[Row]:
    """Return one row for each coding of a CodeableConcept."""
    codings = value.get("coding") if type(value) is dict else None
    return [row for coding in codings for row in of_coding(coding)] if type(codings) is list else []


def of_identifier(value: Any) -> list[Row]:
    """Return the row of an Identifier, and one for each of its types."""
    if type(value) is not dict:
        return []
    rows = _pair(value.get("value"), value.get("system"))
    return rows + _of_type(value["type"], value.get("value")) if "type" in value else rows


def _of_type(kind: Any, value: object) -> list[Row]:
    codings = kind.get("coding") if type(kind) is dict else None
    if type(codings) is not list or type(value) is not str:
        return []
    texts = [(one.get("system"), one.get("code")) for one in codings if type(one) is dict]
    return [
        (_typed(system, code, value), _OF_TYPE) for system, code in texts if type(system) is str and type(code) is str
    ]


def _typed(system: str, code: str, value: str) -> int:
    # No query and no JSON that is stored holds a NUL, so nobody asks for this by another way.
    return hash64(f"{system}\0{code}\0{value}")


def of_referred_identifier(value: Any) -> list[Row]:
    """Return the row of the identifier by which a Reference names its target."""
    identifier = value.get("identifier") if type(value) is dict else None
    return _pair(identifier.get("value"), identifier.get("system")) if type(identifier) is dict else []


def of_contact_point(value: Any) -> list[Row]:
    """Return the row of a ContactPoint; its system is a kind of channel, not a code system."""
    return _pair(value.get("value"), None) if type(value) is dict else []


def of_text(value: Any) -> list[Row]:
    """Return the row of a code, id, string or uri, none of which has a system."""
    return [(hash64(value), 0)] if type(value) is str else []


def of_boolean(value: Any) -> list[Row]:
    """Return the row of a boolean: `true` or `false`."""
    return [(hash64("true" if value else "false"), 0)] if type(value) is bool else []


EXTRACTORS = {
    "Coding": of_coding,
    "CodeableConcept": of_codeable_concept,
    "Identifier": of_identifier,
    "ContactPoint": of_contact_point,
    "boolean": of_boolean,
    "code": of_text,
    "id": of_text,
    "string": of_text,
    "uri": of_text,
}


def parse(text: str) -> TokenValue:
    """Return the token that `code`, `system|code`, `|code` or `system|` asks for.

    Raises:
        InvalidValue: Neither a code nor a system is given, or there is more than one `|`.
    """
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) > 2 or not any(parts):
        raise InvalidValue(f"not a token, [system]|[code]: {text!r}")
    if len(parts) == 1:
        return TokenValue(hash64(parts[0]), None, parts[0])
    system, code = parts
    system_hash = hash64(system) if system else 0
    return TokenValue(hash64(code), system_hash, code) if code else TokenValue(None, system_hash)


def in_other_forms(text: str) -> list[str]:
    """Return a token in every form of its system: of one that has one name alone, the token itself."""
    system, bar, code = text.partition("|")
    return [form + bar + code for form in forms(system)] if bar else [text]


def parse_of_type(text: str) -> TokenValue:
    """Return the token that `system|code|value` asks for, of an identifier's type and its value.

    Raises:
        InvalidValue: One of the three is not given.
    """
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) != 3 or not all(parts):
        raise InvalidValue(f"not an identifier of a type, [system]|[code]|[value]: {text!r}")
    return TokenValue(_typed(*parts), _OF_TYPE)


def parse_value_set(text: str) -> TermValue:
    """Return what `:in` and `:not-in` ask for: a value set, by its URL or by a reference to it.

    Raises:
        InvalidValue: `text` is neither.
    """
    named = unescape(text)
    if not named.startswith("ValueSet/") and ":" not in named:
        raise InvalidValue(f"not a value set, its URL or ValueSet/[id]: {text!r}")
    return TermValue(value_set=named)


def parse_concept(text: str) -> TermValue:
    """Return what `:above` and `:below` ask for: a code with its system.

    Raises:
        InvalidValue: One of the two is not given.
    """
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) != 2 or not all(parts):
        raise InvalidValue(f"not a code with its system, [system]|[code]: {text!r}")
    return TermValue(system=parts[0], code=parts[1])
