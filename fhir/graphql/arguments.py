"""The arguments that each kind of field has; what R4 does not know there is refused.

https://hl7.org/fhir/R4/graphql.html#arguments, https://hl7.org/fhir/R4/graphql.html#searching
"""

from collections.abc import Mapping
from functools import lru_cache

from fhir.errors import InvalidValue, NotSupported
from fhir.graphql.members import QUERY, members
from fhir.graphql.values import Value, text_of
from fhir.patch.path import Condition, condition
from fhir.spec.elements import CONCRETE_TYPES
from fhir.spec.search_parameters import parameters

_UNSUPPORTED = ("_include", "_revinclude", "_contained", "_containedType", "_offset", "_summary", "_elements", "_total")
_OF_ALL = ("_sort", "_count", "_filter", "_text", "_content", "_id", "_lastUpdated", "_tag", "_profile", "_security")
_OWN = ("_reference", "_cursor", "fhirpath")
_WHOLE = ("_sort", "_filter")
"""Parameters whose values have a syntax of their own, in which a comma parts."""


def condition_of(arguments: Mapping[str, Value], name: str) -> Condition | None:
    """Return what the argument `fhirpath` says; None when it is not there.

    Raises:
        InvalidValue: it is no text.
        MalformedPatch: it is no condition that is understood.
    """
    path = arguments.get("fhirpath")
    if path is None:
        return None
    if not isinstance(path, str):
        raise InvalidValue("fhirpath is a text", name)
    return condition(path)


def check_element(name: str, inner: frozenset[str], arguments: Mapping[str, Value]) -> None:
    """Check the arguments of an element whose values have these types; of a single value none.

    Raises:
        InvalidValue: one is not known, or has no proper value.
    """
    for one, value in arguments.items():
        if not inner:
            raise InvalidValue(f"{name} is a single value and has no arguments", name)
        if one in ("_offset", "_count"):
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise InvalidValue(f"{one} is a whole number", name)
        elif one != "fhirpath":
            parts = [part for type_name in inner if (part := members(type_name).get(one)) is not None]
            if not any(part.kind == "primitive" for part in parts):
                raise InvalidValue(f"{name} is not chosen by {one[:100]}", name)
            if value is None or isinstance(value, list):
                raise InvalidValue(f"{one} has one value", name)


def check_reference(arguments: Mapping[str, Value]) -> str:
    """Return the type that `resource` of a Reference wants; an empty text for any.

    Raises:
        InvalidValue: an argument is not known, or has no proper value.
    """
    if arguments.keys() - {"optional", "type"} or not isinstance(arguments.get("optional", False), bool):
        raise InvalidValue("resource has the arguments optional (true or false) and type", "resource")
    wanted = arguments.get("type")
    if wanted is None:
        return ""
    if wanted not in CONCRETE_TYPES:
        raise InvalidValue("type is a resource type of R4", "resource")
    return str(wanted)


def check_read(arguments: Mapping[str, Value], name: str) -> None:
    """Check the arguments of a read.

    Raises:
        InvalidValue: there is no id, or something else.
    """
    if arguments.keys() != {"id"} or not isinstance(arguments["id"], str | int):
        raise InvalidValue(f"{name} has the argument id; {name}List searches", name)


@lru_cache(maxsize=256)
def _codes(type_name: str) -> Mapping[str, str]:
    """Return the search parameters of a type by their names in the graph."""
    return {code.replace("-", "_"): code for code in parameters(type_name)} | {one: one for one in _OF_ALL}


def check_search(name: str, type_name: str, on: frozenset[str], arguments: Mapping[str, Value]) -> None:
    """Check the arguments of a search: at the root, or of what refers to resources of the types `on`.

    Raises:
        InvalidValue: one is not known, is missing, or stands where it must not.
        NotSupported: R4 knows it for searches, but not here.
    """
    at_root = on == {QUERY}
    for one in arguments:
        if one in _UNSUPPORTED:
            raise NotSupported(f"{one} is not an argument of a search here", name)
        if one not in _OWN and one not in _codes(type_name):
            raise InvalidValue(f"{type_name} has no search parameter {one[:100]}", name)
    if at_root == ("_reference" in arguments):
        where = "inside a resource, and only there" if at_root else "here"
        raise InvalidValue(f"_reference, the parameter that refers to the resource, is needed {where}", name)
    if "_cursor" in arguments and (not at_root or name.endswith("List") or len(arguments) > 1):
        raise InvalidValue("_cursor stands alone, in a Connection at the root of the query", name)
    if not at_root:
        code = _codes(type_name).get(str(arguments["_reference"]), "")
        parameter = parameters(type_name).get(code)
        if parameter is None or parameter.type != "reference" or not on & frozenset(parameter.targets):
            raise InvalidValue("_reference names no parameter that can refer to this resource", name)


def search_pairs(type_name: str, arguments: Mapping[str, Value], source: str) -> list[tuple[str, str]]:
    """Return the parameters of a search.

    Args:
        type_name: The type that is searched.
        arguments: Those of the field.
        source: What the matches must refer to, `Patient/1`; empty at the root.

    Raises:
        InvalidValue: one has no proper value.
    """
    pairs: list[tuple[str, str]] = []
    for one, value in arguments.items():
        if one == "_reference":
            pairs.append((_codes(type_name)[str(value)], source))
        elif one not in _OWN:
            pairs.append((_codes(type_name)[one], _texts(one, value)))
    return pairs


def _texts(name: str, value: Value) -> str:
    values = value if isinstance(value, list) else [value]
    if not values or any(one is None or isinstance(one, list) for one in values):
        raise InvalidValue(f"{name} has a value, or a list of values", name)
    texts = [text_of(one) for one in values]
    # In the graph several values are a list, so a comma is a comma.
    return ",".join([text if name in _WHOLE else text.replace(",", "\\,") for text in texts])
