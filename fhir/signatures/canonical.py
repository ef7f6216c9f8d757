"""The canonical forms of a resource's JSON: what a JWS in `Bundle.signature` or `Provenance.signature` is of.

https://hl7.org/fhir/R4/json.html#canonical, https://www.rfc-editor.org/rfc/rfc8785
"""

import json
import math
from collections.abc import Iterator
from typing import Any

from fhir.exact import Number, read, write_sorted

CANONICAL = "http://hl7.org/fhir/canonicalization/json"
DOCUMENT = f"{CANONICAL}#document"
BYTES = "bytes"
"""The bytes as received, nothing canonical about them."""
JCS = "+jcs"
"""Added to a form whose numbers and strings are written as RFC 8785 says."""


MOST_JCS_BYTES = 1_000_000
"""Of bodies up to here the forms of RFC 8785 are tried as well: they take a fifth of a second for as much."""


def document_form(body: bytes) -> bytes:
    """Return what the hub signs of a Bundle: all but its id, its meta and its signature."""
    return write_sorted(_less(read(body), "id", "meta", "signature"))


def forms(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what a signature of a resource may be of, as (form, bytes), the likeliest first.

    Args:
        body: The resource as JSON that has been read strictly before.
    """
    tree = read(body)
    if tree.get("resourceType") == "Bundle":
        own = tree.get("signature")
        bare = {**own, "data": None} if isinstance(own, dict) else None
        ways: tuple[tuple[str, tuple[str, ...]], ...] = ((DOCUMENT, ("id", "meta")), (CANONICAL, ()))
        for name, left_out in ways:
            yield from _written(name, _less(tree, "signature", *left_out), len(body))
            if bare is not None:
                kept = {**tree, "signature": _less(bare, "data")}
                yield from _written(name, _less(kept, *left_out), len(body))
        return
    for name, left_out in (("", ()), ("#data", ("text",)), ("#static", ("text", "meta"))):
        yield from _written(CANONICAL + name, _less(tree, *left_out), len(body))


def _less(tree: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in tree.items() if name not in names}


def _written(name: str, tree: dict[str, Any], size: int) -> Iterator[tuple[str, bytes]]:
    exact = write_sorted(tree)
    yield name, exact
    if size <= MOST_JCS_BYTES and (by_rfc := jcs(tree)) != exact:
        yield name + JCS, by_rfc


def jcs(tree: Any) -> bytes:
    """Return a tree as RFC 8785 writes it: numbers as ECMAScript does, keys in the order of UTF-16."""
    return "".join(_jcs(tree)).encode("utf-8", "surrogatepass")


def _jcs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        parts = (
            f"{json.dumps(name, ensure_ascii=False)}:{''.join(_jcs(value[name]))}"
            for name in sorted(value, key=lambda one: one.encode("utf-16-be", "surrogatepass"))
        )
        yield "{" + ",".join(parts) + "}"
    elif isinstance(value, list):
        yield "[" + ",".join("".join(_jcs(one)) for one in value) + "]"
    elif isinstance(value, Number) or (isinstance(value, int) and not isinstance(value, bool)):
        yield _number(float(value))
    else:
        yield json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """Return a number as ECMAScript writes it: https://tc39.es/ecma262/#sec-numeric-types-number-tostring."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "null"
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + ("" if fraction == "0" else fraction)).lstrip("0")
    point = len(whole) + int(exponent or 0)
    if whole == "0":
        point -= len(whole) + (len(fraction) - len(fraction.lstrip("0")))
    digits = digits.rstrip("0") or "0"
    sign = "-" if value < 0 else ""
    if len(digits) <= point <= 21:
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{point - 1:+d}"
