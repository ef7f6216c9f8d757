"""Primitive types: is a JSON value a proper one of its type?

The regular expressions are the published ones, from `fhir.spec`; what they cannot say (the calendar, 32 bits,
1 MB, control characters) is added here.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

import binascii
import re
from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any

from fhir.profiles.narrative import check_div
from fhir.spec.elements import regex

Fault = tuple[str, str]
"""An IssueType code and an English sentence."""

Test = Callable[[Any], Fault | None]
"""Answers None for a proper value."""

STRING_CHARACTERS = 1024 * 1024
"""The longest string: "SHALL NOT exceed 1MB (1024*1024 characters) in size"."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NAMES = {
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "an array",
    dict: "an object",
}


def json_name(value: object) -> str:
    """Return what JSON calls a value: `a string`, `an array`, `null` and so on."""
    return "null" if value is None else _NAMES.get(type(value), "a number")


@cache
def primitive(type_name: str) -> Test:
    """Return the test of a primitive type.

    Raises:
        KeyError: R4 has no such primitive type.
    """
    return _TESTS[type_name](type_name)


def code_in(codes: frozenset[str], value_set: str) -> Test:
    """Return the test of a `code` that is bound, with strength `required`, to a value set.

    https://hl7.org/fhir/R4/terminologies.html#required
    """
    proper = primitive("code")
    wrong = ("code-invalid", f"The code is not in the value set {value_set}, which is required here.")

    def test(value: Any) -> Fault | None:
        if value.__class__ is str and value in codes:
            return None
        return proper(value) or wrong

    return test


def _not_a(kind: str, value: object) -> Fault:
    if value == "":
        return ("value", "A string must not be empty: leave the element out instead.")
    return ("structure", f"Expected {kind}, found {json_name(value)}.")


def _string(_: str) -> Test:
    long = ("too-long", "A string must not be longer than 1 MB (1,048,576 characters).")
    control = (
        "value",
        "A string must not hold control characters other than tab, line feed and carriage return.",
    )

    def test(value: Any) -> Fault | None:
        if value.__class__ is not str or not value:
            return _not_a("a string", value)
        if len(value) > STRING_CHARACTERS:
            return long
        # isprintable is five times faster than the search, and true of most strings.
        return None if value.isprintable() or _CONTROL.search(value) is None else control

    return test


def _by_regex(type_name: str) -> Test:
    match = re.compile(regex(type_name) or "").fullmatch
    wrong = ("value", f"The value does not have the format of the type {type_name}.")

    def test(value: Any) -> Fault | None:
        if value.__class__ is not str or not value:
            return _not_a("a string", value)
        if match(value) is None or (not value.isprintable() and _CONTROL.search(value)):
            return wrong
        return None

    return test


def _code(_: str) -> Test:
    # The published expression lets any single white space stand between words; a tab or line feed is no code.
    match = re.compile(r"[^\s\x00-\x1f]+( [^\s\x00-\x1f]+)*").fullmatch
    wrong = ("value", "A code has no leading, trailing or doubled spaces and no other white space.")

    def test(value: Any) -> Fault | None:
        if value.__class__ is not str or not value:
            return _not_a("a string", value)
        return None if len(value) <= STRING_CHARACTERS and match(value) else wrong

    return test


def _date(type_name: str) -> Test:
    match = re.compile(regex(type_name) or "").fullmatch
    wrong = (
        "value",
        f"The value does not have the format of the type {type_name}{_DATE_HINTS.get(type_name, '')}.",
    )
    absent = ("value", "The month does not have this day.")

    def test(value: Any) -> Fault | None:
        if value.__class__ is not str or not value:
            return _not_a("a string", value)
        if match(value) is None:
            return wrong
        if value[8:10] > "28" and int(value[8:10]) > monthrange(int(value[:4]), int(value[5:7]))[1]:
            return absent
        return None

    return test


_DATE_HINTS = {
    "dateTime": ": YYYY, YYYY-MM, YYYY-MM-DD or, with seconds and a time zone, YYYY-MM-DDThh:mm:ss+zz:zz",
    "instant": ": YYYY-MM-DDThh:mm:ss with a time zone",
    "date": ": YYYY, YYYY-MM or YYYY-MM-DD",
}


def _integer(type_name: str) -> Test:
    least, most = _RANGES[type_name]
    wrong = ("value", f"The type {type_name} holds whole numbers from {least} to {most}.")

    def test(value: Any) -> Fault | None:
        if value.__class__ is int:
            return None if least <= value <= most else wrong
        return wrong if value.__class__ is float else _not_a("a number", value)

    return test


_RANGES = {"integer": (-(2**31), 2**31 - 1), "unsignedInt": (0, 2**31 - 1), "positiveInt": (1, 2**31 - 1)}


def _decimal(_: str) -> Test:
    def test(value: Any) -> Fault | None:
        if value.__class__ is float or value.__class__ is int:
            return None if value.__class__ is int or isfinite(value) else ("value", "A decimal must be finite.")
        return None if isinstance(value, Decimal) and value.is_finite() else _not_a("a number", value)

    return test


def _boolean(_: str) -> Test:
    def test(value: Any) -> Fault | None:
        return None if value is True or value is False else _not_a("a boolean", value)

    return test


def _base64(_: str) -> Test:
    wrong = ("value", "The value is not base64.")

    def test(value: Any) -> Fault | None:
        if value.__class__ is not str or not value:
            return _not_a("a string", value)
        # The published expression backtracks; the decoder is linear and knows where padding may stand.
        for text in (value, "".join(value.split())):
            try:
                binascii.a2b_base64(text, strict_mode=True)
            except ValueError:
                continue
            return None if text else wrong
        return wrong

    return test


def _xhtml(_: str) -> Test:
    def test(value: Any) -> Fault | None:
        if value.__class__ is not str or not value:
            return _not_a("a string", value)
        wrong = check_div(value)
        return None if wrong is None else ("value", wrong)

    return test


_TESTS: dict[str, Callable[[str], Test]] = {
    "base64Binary": _base64,
    "boolean": _boolean,
    "canonical": _by_regex,
    "code": _code,
    "date": _date,
    "dateTime": _date,
    "decimal": _decimal,
    "id": _by_regex,
    "instant": _date,
    "integer": _integer,
    "markdown": _string,
    "oid": _by_regex,
    "positiveInt": _integer,
    "string": _string,
    "time": _by_regex,
    "unsignedInt": _integer,
    "uri": _by_regex,
    "url": _by_regex,
    "uuid": _by_regex,
    "xhtml": _xhtml,
}
