"""Reference search: what a resource points to, by type and id or by URL.

https://hl7.org/fhir/R4/search.html#reference
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from fhir.errors import InvalidValue
from fhir.search.hashing import hash64
from fhir.search.values import ReferenceValue, unescape

Row = tuple[int]
"""`hash64` of `Type/id` for a reference within the server, or of the whole URL."""

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_LITERAL = re.compile(r"(?:.*/)?(?P<type>[A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}")


def target(reference: str, base_url: str = "") -> str:
    """Return what a reference is indexed as: without its version, and relative if it is under `base_url`.

    Args:
        reference: `Type/id`, an absolute URL or a URN, with or without `/_history/n`.
        base_url: The server's own, without a closing slash; empty if it has none.
    """
    plain = reference.partition("/_history/")[0]
    return plain[len(base_url) + 1 :] if base_url and plain.startswith(f"{base_url}/") else plain


def of_reference(value: Any, *, base_url: str) -> list[Row]:
    """Return the row of a Reference; none if it is contained or only an identifier."""
    reference = value.get("reference") if type(value) is dict else None
    if type(reference) is not str or not reference or reference[0] == "#":
        return []
    return [(hash64(target(reference, base_url)),)]


def of_canonical(value: Any) -> list[Row]:
    """Return the rows of a canonical or uri: as it is, and without its version."""
    if type(value) is not str:
        return []
    url, bar, _ = value.partition("|")
    return [(hash64(value),), (hash64(url),)] if bar else [(hash64(value),)]


def of_resource(value: Any) -> list[Row]:
    """Return the row of a resource in the place of a reference: the first entry of a document or message."""
    if type(value) is not dict or type(value.get("id")) is not str:
        return []
    return [(hash64(f"{value.get('resourceType')}/{value['id']}"),)]


def extractors(base_url: str) -> dict[str, Callable[[Any], list[Row]]]:
    """Return the extractors by FHIR type, for a server whose own resources are under `base_url`."""
    return {
        "Reference": partial(of_reference, base_url=base_url),
        "Resource": of_resource,
        "canonical": of_canonical,
        "uri": of_canonical,
    }


def resolves_to(value: Any, type_name: str) -> bool:
    """Return whether `resolve() is T` may hold, without resolving.

    The text of the reference decides (`T/…`), else its `type`; what neither tells (a URN, a contained
    resource) is accepted.
    """
    if type(value) is not dict:
        return False
    reference = value.get("reference")
    if type(reference) is str and (match := _LITERAL.fullmatch(reference.partition("/_history/")[0])):
        return match["type"] == type_name
    return bool(value.get("type", type_name) == type_name)


def parse(text: str, targets: Sequence[str], base_url: str = "") -> ReferenceValue:
    """Return the reference that an id, `Type/id`, a URL or a canonical `url|version` asks for.

    Args:
        text: As in the query.
        targets: The types a bare id may be of, narrowed by a `:[type]` modifier.
        base_url: The server's own; a URL under it means its own resource.

    Raises:
        InvalidValue: `text` is empty, or a bare id for a parameter that has no targets.
    """
    reference = target(unescape(text), base_url)
    if _ID.fullmatch(reference) and targets:
        return ReferenceValue(tuple(hash64(f"{type_name}/{reference}") for type_name in targets))
    if not reference:
        raise InvalidValue(f"not a reference: {text!r}")
    return ReferenceValue((hash64(reference),), elsewhere=":" in reference)
