"""References between the entries of one Bundle: which entry a link means, and what is put in its place.

https://hl7.org/fhir/R4/bundle.html#references, https://hl7.org/fhir/R4/http.html#trules
"""

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from fhir.envelope import EnvelopeEntry
from fhir.issue import Issue
from fhir.links import references

# A fullUrl that is the address of a resource on a FHIR server: the server's base, and the type and id.
_RESTFUL = re.compile(r"(https?://.+)/([A-Z][A-Za-z]+/[A-Za-z0-9.\-]{1,64})")
_PLACEHOLDERS = ("urn:uuid:", "urn:oid:")
_HISTORY = "/_history/"
_ELEMENTS = frozenset(("id", "extension", "reference", "_reference", "type", "identifier", "display", "_display"))


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the links of a Bundle's entries mean."""

    links: tuple[Mapping[str, str], ...]
    """For each entry, from a link as it is written there to the new reference; for `splice(references=…)`."""
    issues: tuple[Issue, ...]
    """Placeholders that mean no entry, and fullUrls that mean two."""


def resolve_internal(
    entries: Sequence[EnvelopeEntry], assigned: Sequence[str | None], *, by_id: bool = False
) -> Resolved:
    """Return what each link between `entries` becomes.

    An absolute link (`urn:uuid:`, `urn:oid:`, `https:`) means the entry with that fullUrl. A relative
    one, in an entry whose fullUrl is an address on a server, means the entry at that address there;
    elsewhere it is none of the Bundle's. A version (`/_history/2`) is the sender's count and falls away.
    A link to no entry stays as it is; only a placeholder (`urn:`), which can mean nothing outside, is an
    issue.

    Args:
        entries: The entries of a transaction or a document.
        assigned: For each entry the reference it is stored under, `Patient/1`; None if it is not stored.
        by_id: In an entry whose fullUrl is no address, let the relative link `Patient/1` mean the one
            entry of that type and id. Right for documents only: real ones (IPS examples too) are written
            so, against the letter. In a transaction such a link means a resource on the server.
    """
    targets: dict[str, str] = {}
    issues: list[Issue] = []
    for number, (entry, reference) in enumerate(zip(entries, assigned, strict=True)):
        if entry.full_url is None or reference is None:
            continue
        if targets.setdefault(entry.full_url, reference) != reference:
            at = f"Bundle.entry[{number}].fullUrl"
            issues.append(Issue("error", "duplicate", at, "Another entry has the same fullUrl."))
    relative = _by_base(targets) | ({"": _by_id(entries, assigned)} if by_id else {})
    by_base = {base: ChainMap(here, targets) for base, here in relative.items()}
    links: list[Mapping[str, str]] = []
    for number, entry in enumerate(entries):
        here: MutableMapping[str, str] = by_base.get(_base(entry.full_url) or "", targets)
        if entry.type == "Bundle":  # has entries of its own, and its links lead to those
            links.append({})
            continue
        found = set(references(entry.resource)) if entry.resource is not None else set()
        # Most entries share one table; only a versioned link needs a table of the entry's own.
        versioned = _versioned(found, here)
        links.append(ChainMap(versioned, here) if versioned else here)
        if any(link.startswith(_PLACEHOLDERS) and link not in links[-1] for link in found):
            issues += _dangling(entry.resource or b"", links[-1], f"Bundle.entry[{number}].resource")
    return Resolved(tuple(links), tuple(issues))


def dangling(resource: Mapping[str, Any], known: Mapping[str, str], path: str) -> Iterator[Issue]:
    """Yield an issue for each placeholder in a `reference` that is not a key of `known`.

    Args:
        resource: A resource, as a tree.
        known: Links to the entries of the Bundle.
        path: Where the resource stands, `Bundle.entry[3].resource`.
    """
    for at, link in _references(resource, path):
        if link.startswith(_PLACEHOLDERS) and link not in known:
            yield Issue("error", "not-found", at, "The reference means no entry of the Bundle.")


def _dangling(resource: bytes, known: Mapping[str, str], path: str) -> Iterator[Issue]:
    return dangling(orjson.loads(resource), known, path)


def _references(tree: Any, path: str) -> Iterator[tuple[str, str]]:
    open_nodes = [(path, tree)]
    while open_nodes:
        path, node = open_nodes.pop()
        if isinstance(node, dict):
            # Three elements of type uri are named `reference` too, beside members that a Reference has not.
            if isinstance(link := node.get("reference"), str) and node.keys() <= _ELEMENTS:
                yield f"{path}.reference", link
            open_nodes += [(f"{path}.{name}", value) for name, value in reversed(node.items())]
        elif isinstance(node, list):
            open_nodes += [(f"{path}[{number}]", node[number]) for number in reversed(range(len(node)))]


def _base(full_url: str | None) -> str | None:
    found = _RESTFUL.fullmatch(full_url or "")
    return found[1] if found else None


def _by_base(targets: Mapping[str, str]) -> dict[str, dict[str, str]]:
    by_base: dict[str, dict[str, str]] = {}
    for full_url, reference in targets.items():
        if found := _RESTFUL.fullmatch(full_url):
            by_base.setdefault(found[1], {})[found[2]] = reference
    return by_base


def _by_id(entries: Sequence[EnvelopeEntry], assigned: Sequence[str | None]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for entry, reference in zip(entries, assigned, strict=True):
        if reference is not None and entry.id is not None:
            found.setdefault(f"{entry.type}/{entry.id}", set()).add(reference)
    return {link: references.pop() for link, references in found.items() if len(references) == 1}


def _versioned(found: set[str], here: Mapping[str, str]) -> dict[str, str]:
    versioned = {}
    for link in found:
        whole, history, _ = link.partition(_HISTORY)
        if history and whole in here:
            versioned[link] = here[whole]
    return versioned
