"""`$meta`, `$meta-add`, `$meta-delete`: profiles, tags and labels of a resource, changed in its bytes.

https://hl7.org/fhir/R4/resource-operation-meta.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fhir.exact import read, write
from fhir.members import members

LISTS = ("profile", "security", "tag")
"""What of a Meta the operations speak of."""


def meta_of(body: bytes) -> bytes:
    """Return the bytes of a stored resource's `meta`; an empty object when it has none."""
    for member in members(body):
        if member.key == "meta":
            return body[member.start : member.end]
    return b"{}"


def answer(meta: bytes) -> bytes:
    """Return the Parameters resource that answers with a Meta."""
    return b'{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":' + meta + b"}]}"


def identity(one: Any) -> Any:
    """Return what two entries of a list have in common that are the same: a profile's address, system and code."""
    return (one.get("system"), one.get("code")) if isinstance(one, dict) else one


def merged(metas: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return each profile, tag and label of some metas once."""
    found: dict[str, dict[Any, Any]] = {name: {} for name in LISTS}
    for meta in metas:
        for name in LISTS:
            for one in meta.get(name, ()):
                found[name].setdefault(identity(one), one)
    return {name: list(entries.values()) for name, entries in found.items() if entries}


def added(body: bytes, given: Mapping[str, Any]) -> bytes | None:
    """Return a resource with the profiles, tags and labels of a Meta added; None when it has all of them."""
    old = read(meta_of(body))
    new = {**old, **merged([old, given])}
    return None if new == old else _with(body, new)


def removed(body: bytes, given: Mapping[str, Any]) -> bytes | None:
    """Return a resource without the profiles and tags of a Meta; None when it has none of them.

    Labels stay: `labels_among` tells whether one was meant.
    """
    old = read(meta_of(body))
    new = dict(old)
    for name in ("profile", "tag"):
        gone = {identity(one) for one in given.get(name, ())}
        kept = [one for one in old.get(name, ()) if identity(one) not in gone]
        if kept:
            new[name] = kept
        else:
            new.pop(name, None)
    return None if new == old else _with(body, new)


def labels_among(body: bytes, given: Mapping[str, Any]) -> bool:
    """Return whether a resource has one of the security labels of a Meta."""
    meant = {identity(one) for one in given.get("security", ())}
    return any(identity(one) in meant for one in read(meta_of(body)).get("security", ()))


def _with(body: bytes, meta: Mapping[str, Any]) -> bytes:
    text = write(meta)
    for member in members(body):
        if member.key == "meta":
            return body[: member.start] + text + body[member.end :]
    raise ValueError("a stored resource has a meta")
