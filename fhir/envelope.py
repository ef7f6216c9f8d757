"""A Bundle as an envelope: its own elements are checked, each entry's resource stays its exact bytes.

The tree of the whole is never built, so 10,000 entries cost their bytes and one tree at a time.
https://hl7.org/fhir/R4/bundle.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir.errors import TooLarge
from fhir.members import items, members, value_of
from fhir.resource import DEPTH, InvalidJson, parse

ENTRIES = 10_000
"""Entries a Bundle may have."""

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"))
"""https://hl7.org/fhir/R4/valueset-http-verb.html"""

Table = Mapping[str, Any]
"""From an element's name to its JSON: a type, a table (an object of these elements), an array of either."""

_OPEN: Table = {"id": str, "extension": [dict], "modifierExtension": [dict]}
_LINK: Table = {**_OPEN, "relation": str, "url": str}
_ENTRY: Table = {
    **_OPEN,
    "link": [_LINK],
    "fullUrl": str,
    "resource": None,  # taken out before the check
    "search": {**_OPEN, "mode": str, "score": float},
    "request": {
        **_OPEN,
        "method": str,
        "url": str,
        "ifNoneMatch": str,
        "ifModifiedSince": str,
        "ifMatch": str,
        "ifNoneExist": str,
    },
    "response": {
        **_OPEN,
        "status": str,
        "location": str,
        "etag": str,
        "lastModified": str,
        "outcome": dict,
    },
}
_BUNDLE: Table = {
    "resourceType": str,
    "id": str,
    "meta": dict,
    "implicitRules": str,
    "language": str,
    "identifier": dict,
    "type": str,
    "timestamp": str,
    "total": int,
    "link": [_LINK],
    "entry": None,  # taken out before the check
    "signature": dict,
}
_NAMES = {str: "a string", int: "a whole number", float: "a number", dict: "an object", list: "an array"}


class InvalidBundle(InvalidJson):
    """The Bundle's own elements are not those of a Bundle."""


class Request(NamedTuple):
    """`Bundle.entry.request`, in the words of the HTTP request it stands for."""

    method: str
    url: str
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_match: str | None = None
    if_none_exist: str | None = None


class EnvelopeEntry(NamedTuple):
    """An entry; `type` and `id` are those of its resource, whose bytes are as sent."""

    full_url: str | None = None
    resource: bytes | None = None
    type: str | None = None
    id: str | None = None
    request: Request | None = None
    search: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None
    source: bytes | None = None
    """What the sender wrote of the resource, when that was XML."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A Bundle; `head` is all of it but its entries, as a tree."""

    type: str
    entries: tuple[EnvelopeEntry, ...]
    head: Mapping[str, Any]


def read_bundle(
    body: bytes, *, depth: int = DEPTH, most: int = ENTRIES, sources: Sequence[bytes | None] = ()
) -> Envelope:
    """Return the Bundle that `body` is.

    Args:
        body: Strict JSON, as `resource.parse` demands it; the whole Bundle.
        depth: The most levels of objects and arrays, counted from the Bundle.
        most: The most entries.
        sources: What the sender wrote of each entry's resource, when that was XML.

    Raises:
        InvalidJson: `resource.parse` would refuse it. The expression leads to the entry.
        InvalidBundle: Another resource type, an unknown element or one of the wrong JSON type, an entry's
            resource without `resourceType`, a request without method or url.
        TooLarge: More than `most` entries.
    """
    head, entry = _take_out(body, "entry", depth, "Bundle")
    if head.get("resourceType") != "Bundle":
        raise InvalidBundle("The resourceType is Bundle.", "Bundle.resourceType")
    _check(head, _BUNDLE, "Bundle")
    if "type" not in head:
        raise InvalidBundle("A Bundle has a type.", "Bundle.type")
    head.pop("entry", None)
    if entry is None:
        return Envelope(head["type"], (), head)
    if entry[:1] != b"[":
        raise InvalidBundle("This is an array.", "Bundle.entry")
    entries: list[EnvelopeEntry] = []
    for number, text in enumerate(items(entry)):
        if number == most:
            raise TooLarge(f"A Bundle has at most {most} entries.", "Bundle.entry")
        made = _entry(text, depth - 2, f"Bundle.entry[{number}]")
        entries.append(made._replace(source=sources[number]) if number < len(sources) else made)
    return Envelope(head["type"], tuple(entries), head)


def _entry(text: bytes, depth: int, path: str) -> EnvelopeEntry:
    if text[:1] != b"{":
        raise InvalidBundle("This is an object.", path)
    try:
        tree = parse(text, depth=depth)
    except InvalidJson:
        # Read in two parts, for the path of what is wrong.
        tree, resource = _take_out(text, "resource", depth, path)
        if resource is not None:
            tree["resource"] = _parse(resource, depth - 1, f"{path}.resource")
    else:
        # No key stands twice in it, so what is read here is what was read there.
        resource = value_of(text, "resource") if "resource" in tree else None
    content: Mapping[str, Any] = {}
    if resource is not None:
        content = tree["resource"]
        if type(content) is not dict:
            raise InvalidBundle("This is an object.", f"{path}.resource")
        if not isinstance(content.get("resourceType"), str):
            raise InvalidBundle("A resource has a resourceType.", f"{path}.resource.resourceType")
        if not isinstance(content.get("id", ""), str):
            raise InvalidBundle("This is a string.", f"{path}.resource.id")
    _check(tree, _ENTRY, path)
    request = tree.get("request")
    return EnvelopeEntry(
        full_url=tree.get("fullUrl"),
        resource=resource,
        type=content.get("resourceType"),
        id=content.get("id"),
        request=_request(request, f"{path}.request") if request is not None else None,
        search=tree.get("search"),
        response=tree.get("response"),
    )


def _request(request: Mapping[str, Any], path: str) -> Request:
    for name in ("method", "url"):
        if name not in request:
            raise InvalidBundle(f"A request has a {name}.", f"{path}.{name}")
    if request["method"] not in METHODS:
        raise InvalidBundle("The method is GET, HEAD, POST, PUT, DELETE or PATCH.", f"{path}.method")
    return Request(
        request["method"],
        request["url"],
        request.get("ifNoneMatch"),
        request.get("ifModifiedSince"),
        request.get("ifMatch"),
        request.get("ifNoneExist"),
    )


def _take_out(text: bytes, name: str, depth: int, path: str) -> tuple[dict[str, Any], bytes | None]:
    """Return the tree of an object in which null stands for one member, and that member's bytes."""
    taken = None
    try:
        for member in members(text):
            if member.key == name:
                taken = member
    except InvalidJson as error:
        raise InvalidJson(error.diagnostics, path) from None
    if taken is None:
        return _parse(text, depth, path), None
    rest = text[: taken.start] + b"null" + text[taken.end :]
    return _parse(rest, depth, path), text[taken.start : taken.end]


def _parse(text: bytes, depth: int, path: str) -> dict[str, Any]:
    try:
        return parse(text, depth=depth)
    except InvalidJson as error:
        _, _, within = (error.expression or "").partition(".")
        raise InvalidJson(error.diagnostics, f"{path}.{within}" if within else path) from None


def _check(tree: Mapping[str, Any], table: Table, path: str) -> None:
    for name, value in tree.items():
        at = f"{path}.{name}"
        if name in table:
            _check_value(value, table[name], at)
        elif name[:1] == "_" and table.get(name[1:]) in (str, int, float):
            _check_value(value, dict, at)  # the id and extensions of a primitive
        else:
            raise InvalidBundle(f"{name} is not an element here.", at)


def _check_value(value: Any, expected: Any, path: str) -> None:
    if expected is None:
        return
    kind: Any = expected if isinstance(expected, type) else type(expected)
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise InvalidBundle(f"This is {_NAMES[kind]}.", path)
    if kind is dict and expected is not dict:
        _check(value, expected, path)
    elif kind is list:
        for number, item in enumerate(value):
            _check_value(item, expected[0], f"{path}[{number}]")
