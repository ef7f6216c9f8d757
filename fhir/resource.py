"""The JSON of one resource, read strictly: what two readers could understand differently is refused.

https://hl7.org/fhir/R4/json.html
"""

import re
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from fhir.duplicate import first_duplicate
from fhir.errors import FhirError

DEPTH = 64
"""Levels of objects and arrays a resource may have; the resource itself is the first."""


class InvalidJson(FhirError):
    """The bytes are not strict JSON, or not the JSON of one resource."""

    status = 400
    code = "structure"


# A backslash that is itself escaped does not begin an escape: an even number of them may stand before.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000")
_EXACT = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def parse(body: bytes, *, depth: int = DEPTH) -> dict[str, Any]:
    """Return the object that `body` is.

    Args:
        body: A JSON text (RFC 8259) in UTF-8 without byte order mark.
        depth: The most levels of objects and arrays; the outer object is level 1.

    Returns:
        The tree as orjson gives it. Numbers are `int` or `float`, 6.30 is 6.3: the bytes are the record.

    Raises:
        InvalidJson: `body` is not UTF-8, not JSON, not an object, has a key twice in an object, a NUL or half
            a surrogate pair in a string, or more levels than `depth`.
    """
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _unreadable(body, error, depth) from None
    if type(tree) is not dict:
        raise InvalidJson("A resource is one JSON object; this is another kind of value.")
    if b"\\u0000" in body and (nul := _NUL.search(body)):
        raise InvalidJson(f"A string holds the character NUL, escaped{_place(body, nul.start())}.")
    # Every key is a string before a colon. Strings that hold `":` are counted too, so equal numbers prove
    # that no key was lost, and only unequal ones need the exact and slower look.
    if _keys(body, tree, depth) != _colons(body) and (found := first_duplicate(body)):
        key, path, offset = found
        raise InvalidJson(f"The key {key!r} stands twice in one object{_place(body, offset)}.", path or None)
    return tree


def parse_exact(body: bytes) -> dict[str, Any]:
    """Return the object that `body` is, with numbers that have a fraction as `Decimal`: 6.30 stays 6.30.

    For what is written anew or shown to people; an order of magnitude slower to compute with than `parse`.

    Args:
        body: JSON that `parse` has accepted, now or before it was stored.
    """
    return _EXACT.decode(body)


def _colons(body: bytes) -> int:
    """Return how many strings stand before a colon in `body`, or seem to: never fewer than `_keys` sees."""
    return body.translate(None, b" \t\r\n").count(b'":')


def _keys(body: bytes, tree: dict[str, Any], depth: int) -> int:
    """Return how many keys `tree` has; check that it is not too deep."""
    if b"\\u" in body or body.count(b"{") + body.count(b"[") > depth:
        return _count_keys(tree, depth)
    # So few brackets cannot be too deep; and a tree without escapes is counted as it is written, strings that hold
    # `":` as in the body.
    return orjson.dumps(tree).count(b'":')


def _count_keys(tree: dict[str, Any], depth: int) -> int:
    keys = levels = 0
    level: list[Any] = [tree]
    while level:
        levels += 1
        if levels > depth:
            raise InvalidJson(f"Objects and arrays are nested deeper than {depth} levels.")
        below: list[Any] = []
        for node in level:
            if type(node) is dict:
                keys += len(node)
                below += [value for value in node.values() if type(value) is dict or type(value) is list]
            else:
                below += [value for value in node if type(value) is dict or type(value) is list]
        level = below
    return keys


def _unreadable(body: bytes, error: orjson.JSONDecodeError, depth: int) -> InvalidJson:
    if error.msg.startswith("depth limit"):
        return InvalidJson(f"Objects and arrays are nested deeper than {depth} levels.")
    try:
        body.decode()
    except UnicodeDecodeError as invalid:
        return InvalidJson(f"The body is not UTF-8{_place(body, invalid.start)}.")
    return InvalidJson(f"This is not JSON: {error.msg} (line {error.lineno} column {error.colno}).")


def _place(body: bytes, offset: int) -> str:
    line = body.count(b"\n", 0, offset) + 1
    begin = body.rfind(b"\n", 0, offset) + 1
    return f" (line {line} column {len(body[begin:offset].decode(errors='replace')) + 1})"
