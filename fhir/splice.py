"""What the hub writes into a received resource: id, version, time, labels, resolved links; not a byte more.

"The sender's bytes are the record": white space, key order, escapes and 6.30 stay as they were sent.
https://hl7.org/fhir/R4/http.html#create, https://hl7.org/fhir/R4/resource.html#Meta
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from fhir.links import rewrite
from fhir.members import Member, members
from fhir.resource import InvalidJson
from fhir.undo import Edit, apply

Labels = Mapping[str, Sequence[Mapping[str, Any]]]
"""Codings to add to the lists of `meta`: `{"security": [...], "tag": [...]}`."""


_TYPE_FIRST = re.compile(rb'[ \t\r\n]*+\{[ \t\r\n]*+"resourceType"[ \t\r\n]*+:[ \t\r\n]*+"[A-Za-z]*+"')


@dataclass(frozen=True, slots=True)
class Spliced:
    """A stored resource: `body`, and the script with which `undo.original` gives the received bytes back."""

    body: bytes
    undo: bytes


def splice(
    body: bytes,
    resource: Mapping[str, Any],
    *,
    id: str,
    version: int,
    last_updated: str,
    references: Mapping[str, str] | None = None,
    labels: Labels | None = None,
    more: Mapping[str, Any] | None = None,
    received: bytes | None = None,
    subject: tuple[str, str] | None = None,
) -> Spliced:
    """Write id, meta.versionId and meta.lastUpdated into a resource; add labels; rewrite links.

    Args:
        body: The resource as received.
        resource: `parse(body)`.
        id: The logical id it is stored under; replaces the sender's.
        version: Counts from 1.
        last_updated: An instant, `2024-05-01T09:00:00.000Z`.
        references: From each link as sent to the link that is stored, `{"urn:uuid:…": "Patient/1"}`; see
            `links.rewrite` for where they are looked for.
        labels: Codings to add to `meta.security` and `meta.tag`; one already there (system and code) is left.
        more: Elements that the resource gets where it has none of the name.
        received: What the sender wrote, when `body` was made of it: the XML of a resource.
        subject: An element that names a resource by an identifier alone, and the link that is put in beside it.

    Raises:
        InvalidJson: `meta`, or a list in it that gets labels, is of another JSON type.
    """
    texts = {"versionId": str(version), "lastUpdated": last_updated}
    added = {name: value for name, value in (more or {}).items() if name not in resource}
    own = [*_own(body, resource, id, texts, labels or {}, added)]
    # A link can stand in what is replaced whole only if the sender's id or version is no string.
    links = [edit for edit in rewrite(body, references or {}) if not _is_within(edit, own)]
    if subject is not None and (at := _find(body, [subject[0]]).get(subject[0])) is not None:
        links.append(_first(body, at.start, [_member("reference", subject[1])], alone=not resource.get(subject[0])))
    made = Spliced(*apply(body, sorted((*own, *links), key=_start)))
    if received is None:
        return made
    # What was written is put back as a whole.
    return Spliced(*apply(received, [(0, len(received), made.body)]))


def _own(
    body: bytes,
    resource: Mapping[str, Any],
    logical_id: str,
    texts: Mapping[str, str],
    labels: Labels,
    added: Mapping[str, Any],
) -> Iterator[Edit]:
    meta = resource.get("meta", {})
    if type(meta) is not dict:
        raise InvalidJson("meta is an object.", f"{resource.get('resourceType', 'Resource')}.meta")
    lists = {name: _added(meta.get(name, []), codings, name) for name, codings in labels.items()}
    # It is mostly sent without either, and then only its beginning is looked at.
    alone = _TYPE_FIRST.match(body) if "id" not in resource and "meta" not in resource else None
    found = {} if alone else _find(body, [name for name in ("resourceType", "id", "meta") if name in resource])

    missing: list[bytes] = []
    if "id" in found:
        yield from _replaced(body, found["id"], 0, logical_id)
    else:
        missing.append(_member("id", logical_id))
    if "meta" in found:
        yield from _meta(body, found["meta"], meta, texts, lists)
    else:
        missing.append(_member("meta", {**texts, **{name: new for name, new in lists.items() if new}}))
    missing += [_member(name, value) for name, value in added.items()]
    # New members go behind the last of resourceType and id, where people and streaming readers look for them.
    last = found.get("id") or found.get("resourceType")
    after = alone.end() if alone else last.end if last else None
    if missing and after is not None:
        yield after, after, b"".join(b"," + member for member in missing)
    elif missing:
        yield _first(body, 0, missing, alone=not resource)


def _meta(
    body: bytes, at: Member, meta: Mapping[str, Any], texts: Mapping[str, str], lists: Mapping[str, list[Any]]
) -> Iterator[Edit]:
    found = _find(body[at.start : at.end], [name for name in (*texts, *lists) if name in meta])
    missing: list[bytes] = []
    for name, text in texts.items():
        if name in found:
            yield from _replaced(body, found[name], at.start, text)
        else:
            missing.append(_member(name, text))
    for name, codings in lists.items():
        if codings and name in found:
            bracket = at.start + found[name].end - 1
            yield bracket, bracket, (b"," if meta[name] else b"") + orjson.dumps(codings)[1:-1]
        elif codings:
            missing.append(_member(name, codings))
    if missing:
        yield _first(body, at.start, missing, alone=not meta)


def _find(body: bytes, names: Sequence[str]) -> dict[str, Member]:
    found: dict[str, Member] = {}
    for member in members(body) if names else ():
        if member.key in names:
            found[member.key] = member
            if len(found) == len(names):
                break
    return found


def _added(present: Any, codings: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    if type(present) is not list:
        raise InvalidJson(f"meta.{name} is an array.", f"meta.{name}")
    have = {(coding.get("system"), coding.get("code")) for coding in present if type(coding) is dict}
    return [coding for coding in codings if (coding.get("system"), coding.get("code")) not in have]


def _replaced(body: bytes, member: Member, offset: int, text: str) -> Iterator[Edit]:
    start, end, new = offset + member.start, offset + member.end, orjson.dumps(text)
    if body[start:end] != new:
        yield start, end, new


def _first(body: bytes, offset: int, missing: list[bytes], *, alone: bool) -> Edit:
    brace = body.index(b"{", offset) + 1
    return brace, brace, b",".join(missing) + (b"" if alone else b",")


def _member(name: str, value: Any) -> bytes:
    return orjson.dumps({name: value})[1:-1]


def _is_within(edit: Edit, others: Sequence[Edit]) -> bool:
    return any(start <= edit[0] < end for start, end, _ in others)


def _start(edit: Edit) -> int:
    return edit[0]
