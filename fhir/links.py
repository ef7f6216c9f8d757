"""The links in a resource's bytes: references, URIs, hrefs of its narrative; found and rewritten in place.

The server replaces matching links wherever they are: in references, in elements of type uri, url, oid, uuid,
in `<a href="">` and `<img src="">` of the narrative. It does not replace elements of type canonical.
https://hl7.org/fhir/R4/http.html#trules
"""

import html
import re
from collections.abc import Iterator, Mapping

import orjson

from fhir.undo import Edit

# R4's elements of type uri and url that hold one link and point at something. Left out: those that name a
# system or a rule (`system`, `implicitRules`, `type`), the envelope's own `fullUrl`, and elements of type oid
# and uuid, in which the new reference `Patient/1` could not stand.
URI_ELEMENTS = (
    *("url", "uri", "valueUri", "valueUrl", "source", "sourceUri", "targetUri", "definitionUri"),
    *("derivedFromUri", "eventUri", "moduleUri", "detail", "endpoint", "address", "authority", "link"),
    *("target", "location", "rendering"),
)
"""The names of the elements, besides `reference`, in which a placeholder is replaced."""

_STRING = rb'"((?:[^"\\]|\\.)*+)"'
_REFERENCE = (b"reference",)
_NAMES = (*_REFERENCE, b"div", *(name.encode() for name in URI_ELEMENTS))
_ALL = frozenset(_NAMES)
_VALUE = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+" + _STRING)
_BACKSLASH = 0x5C
# The names are ASCII letters, which JSON can also write as \uXXXX. Then every string is looked at.
_ANY_MEMBER = re.compile(_STRING + rb"(?:[ \t\r\n]*+:[ \t\r\n]*+" + _STRING + rb")?")
# An attribute in XHTML that is written in a JSON string: white space and quotes may be escaped.
_ATTRIBUTE = re.compile(rb"""(?: |\\[nrt])(?:href|src) *= *(\\"|'|\\u0022|\\u0027)((?:[^\\]|\\.)*?)\1""", re.DOTALL)


def references(body: bytes) -> Iterator[str]:
    """Yield the value of each `reference` that is a string, in order, contained resources included."""
    dense = _dense(body)
    if dense is not None:
        for raw in dense[1:]:
            yield raw[: raw.index(b'"')].decode()
        return
    for _, _, raw in _strings(body, _REFERENCE):
        yield _text(raw)


def rewrite(body: bytes, links: Mapping[str, str]) -> Iterator[Edit]:
    """Yield the edits that replace each link which is a key of `links`.

    A `reference`, and an `href` or `src` of a narrative, is replaced whatever the key; an element of type uri
    or url only if the key is a `urn:`, a placeholder: a web address there may be the resource's own name.

    Args:
        body: The resource, as `parse` accepts it.
        links: From a whole link as sent to what shall stand in its place.
    """
    if not links:
        return
    dense = _dense(body)
    if dense is not None and _present(body) is _REFERENCE:
        yield from _in_references(dense, links)
        return
    for name, start, raw in _strings(body, _NAMES):
        if name == b"div":
            yield from _narrative(raw, start, links)
        else:
            link = _text(raw)
            if link in links and (name == b"reference" or link.startswith("urn:")):
                yield start, start + len(raw), orjson.dumps(links[link])[1:-1]


def _dense(body: bytes) -> list[bytes] | None:
    """Return a body split where the values of its `reference` members begin; None if it is not written densely.

    Nothing is escaped in it, so no string holds a quote, and what looks like a member is one.
    """
    if b"\\" in body:
        return None
    parts = body.split(b'"reference":"')
    return parts if body.count(b'"reference"') == len(parts) - 1 else None


def _in_references(parts: list[bytes], links: Mapping[str, str]) -> Iterator[Edit]:
    start = len(parts[0])
    for part in parts[1:]:
        start += len(b'"reference":"')
        raw = part[: part.index(b'"')]
        link = links.get(raw.decode())
        if link is not None:
            yield start, start + len(raw), orjson.dumps(link)[1:-1]
        start += len(part)


def places(body: bytes, name: bytes) -> Iterator[int]:
    """Yield where the colon, or the space before it, of each member called `name` may be in a resource's bytes.

    To find a text is many times quicker than to search for a pattern.
    """
    quoted = b'"' + name + b'"'
    at = body.find(quoted)
    while at >= 0:
        end = at + len(quoted)
        # A quote before a name can only be an opening one, unless a backslash stands before it.
        if body[at - 1] != _BACKSLASH:
            yield end
        at = body.find(quoted, end)


def _strings(body: bytes, names: tuple[bytes, ...]) -> Iterator[tuple[bytes, int, bytes]]:
    if b"\\u" not in body:
        if len(names) > 1:
            names = _present(body)
        hits = [(name, hit) for name in names for at in places(body, name) if (hit := _VALUE.match(body, at))]
        for name, hit in sorted(hits, key=_start) if len(names) > 1 else hits:
            yield name, hit.start(1), hit[1]
        return
    for found in _ANY_MEMBER.finditer(body):
        if found[2] is not None:
            name = found[1] if b"\\" not in found[1] else _text(found[1]).encode()
            if name in names:
                yield name, found.start(2), found[2]


def _present(body: bytes) -> tuple[bytes, ...]:
    """Return the names in whose values a link may be; a body without escaped letters has few of them."""
    # An attribute of a narrative needs a quote: an escaped or a single one.
    if (b"\\" not in body and b"'" not in body) or (b"href" not in body and b"src" not in body):
        # A `system` is not replaced. So where these numbers agree, no other element holds a placeholder.
        seen = body.count(b'"reference":"urn:') + body.count(b'"system":"urn:')
        if body.count(b"urn:") == seen:
            return _REFERENCE
    return tuple(_ALL.intersection(body.split(b'"')))


def _narrative(raw: bytes, start: int, links: Mapping[str, str]) -> Iterator[Edit]:
    for found in _ATTRIBUTE.finditer(raw):
        link = html.unescape(_text(found[2]))
        if link in links:
            new = orjson.dumps(html.escape(links[link]))[1:-1]
            yield start + found.start(2), start + found.end(2), new


def _text(raw: bytes) -> str:
    if b"\\" not in raw:
        return raw.decode()
    return str(orjson.loads(b'"' + raw + b'"'))


def _start(hit: tuple[bytes, re.Match[bytes]]) -> int:
    return hit[1].start()
