"""The versions of a document that came as a Bundle: when each was made, when it came, and which one holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.portal.dates import moment
from app.portal.gate import Visit
from app.records.documents.findings import findings
from app.records.documents.kept import find_by_row
from app.records.documents.sources import bundles_of
from fhir.documents.edition import Edition, edition
from fhir.errors import Deleted, NotFound
from fhir.store.history import Asked
from fhir.store.stored import Stored

MOST_VERSIONS = 50
"""Versions that a page names; older ones are in the history of the Bundle."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a document."""

    number: int
    received: str
    """When it came, in Japan's time."""
    made: str
    """When it says that it was made, in Japan's time; empty when it does not say so."""
    holds: bool
    address: str


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of a document, the newest first, and what is wrong with one of them."""

    address: str
    listed: list[Version]
    findings: list[Any]


def _minute(microseconds: int) -> str:
    return f"{moment(microseconds):%Y-%m-%d %H:%M}"


def tree_of(stored: Stored) -> Mapping[str, Any]:
    """Return a version as a tree."""
    tree: Mapping[str, Any] = orjson.loads(stored.body)
    return tree


def resources_of(bundle: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the resources of a Bundle's entries."""
    return [one["resource"] for one in bundle.get("entry", ()) if "resource" in one]


def head_of(bundle: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the Composition of a document; None for a collection."""
    first = next(iter(resources_of(bundle)), None)
    return first if first is not None and first.get("resourceType") == "Composition" else None


def _listed(past: Sequence[Stored], holding: int) -> Iterator[Version]:
    """Yield versions; one that was written once more after a late one is named once."""
    seen: list[tuple[Edition, Any]] = []
    for one in past:
        if one.deleted:
            continue
        tree = tree_of(one)
        made = edition(tree, head_of(tree), 0)
        if (made, tree.get("entry")) in seen:
            continue
        seen.append((made, tree.get("entry")))
        address = f"/documents/Bundle/{one.id}/versions/{one.version}"
        said = _minute(made.instant) if made.instant else ""
        yield Version(one.version, _minute(one.last_updated), said, one.version == holding, address)


async def versions_list(visit: Visit, bundle: Stored, shown: Stored) -> Versions:
    """Return the versions of a document, and what is wrong with the one that is shown."""
    record = visit.fhir.record
    past, _ = await record.history(Asked("Bundle", bundle.id), limit=MOST_VERSIONS)
    known = await find_by_row(record.connection, bundle.patient_key, bundle.row)
    holding = bundle.version if known is None or known.holds else 0
    wrong = await findings(visit.hub, bytes(shown.body))
    return Versions(f"/documents/Bundle/{bundle.id}", list(_listed(past.versions, holding)), wrong)


async def versions_of(visit: Visit, head: Stored) -> Versions | None:
    """Return the versions of the document that a Composition is the head of; None when it came by itself."""
    if head.type != "Composition":
        return None
    for id_ in await bundles_of(visit.fhir.record.connection, head):
        try:
            bundle = await visit.fhir.record.read("Bundle", id_)
        except (NotFound, Deleted):
            continue
        return await versions_list(visit, bundle, bundle)
    return None


def leads_to(body: Mapping[str, Any]) -> str:
    """Return the address of the page of the Bundle that a DocumentReference describes, or an empty text."""
    for content in body.get("content", ()):
        link = str(content.get("attachment", {}).get("url", "")).rpartition("/fhir/")[2].partition("/_history/")[0]
        if link.startswith("Bundle/"):
            return f"/documents/{link}"
    return ""
