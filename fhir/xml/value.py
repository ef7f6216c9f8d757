"""Primitive values: from the text of an attribute to JSON.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

_DECIMAL = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)", re.ASCII)


def json_value(text: str, type_name: str) -> Any:
    """Return a primitive as a JSON encoder takes it; a number keeps its text.

    Args:
        text: The attribute's value.
        type_name: A primitive type.

    Returns:
        None if it is no boolean or number where the type is one. The format of other types is not looked at.
    """
    read = _READ.get(type_name)
    return text if read is None else read(text)


def _number(pattern: re.Pattern[str]) -> Callable[[str], msgspec.Raw | None]:
    def read(text: str) -> msgspec.Raw | None:
        # JSON has no plus before a number; FHIR's own expression for integers has.
        return msgspec.Raw(text.removeprefix("+").encode()) if pattern.fullmatch(text) else None

    return read


_READ: dict[str, Callable[[str], Any]] = {
    "boolean": {"true": True, "false": False}.get,
    "decimal": _number(_DECIMAL),
    "integer": _number(_INTEGER),
    "positiveInt": _number(_INTEGER),
    "unsignedInt": _number(_INTEGER),
}
