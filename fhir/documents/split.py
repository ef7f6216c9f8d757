"""A document taken apart: which of its entries become resources of their own, in which order, and about whom.

https://hl7.org/fhir/R4/documents.html, https://profiles.ihe.net/ITI/mXDE/index.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from fhir.documents.subject import ELEMENTS, is_another
from fhir.envelope import Envelope, EnvelopeEntry
from fhir.errors import Unprocessable
from fhir.issue import Issue
from fhir.links import references
from fhir.resolve import Resolved, resolve_internal
from fhir.store.labels import indications

TYPES = frozenset(("document", "collection"))
"""The types of Bundle that are taken apart; JP-CLINS sends 5 information items as collections."""

NOT_STORED = frozenset(("OperationOutcome", "Parameters"))
"""Resource types that have no address on a server."""

_STRANGER = "The resource is about another Patient than the document."
_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_PATIENT = re.compile(r"(?:.*/)?Patient/[^/?#]+(?:/_history/.*)?")


@dataclass(frozen=True, slots=True)
class Extract:
    """What a document holds."""

    patient: EnvelopeEntry
    """The Patient the document is about; one of `resources`."""
    composition: Mapping[str, Any] | None
    """The document's head (title, type, date, author …) as a tree; None for a collection."""
    resources: tuple[EnvelopeEntry, ...]
    """The entries to be stored, each after those it refers to. What `splice` needs is
    `resolve_internal(resources, assigned, by_id=True).links`."""
    identifier: Mapping[str, Any] | None
    """Bundle.identifier: which document this is, whatever its version."""
    labels: tuple[Mapping[str, Any], ...]
    """Security labels of the document, which everything extracted from it inherits."""
    issues: tuple[Issue, ...]
    """Links to nothing, and resources about somebody else; paths count the Bundle's entries from 0."""


def split(envelope: Envelope) -> Extract:
    """Take a document or a collection apart.

    The subject is the Patient that Composition.subject means, else the only Patient.

    Args:
        envelope: The Bundle, from `read_bundle`.

    Raises:
        Unprocessable: The Bundle is of another type, a document does not begin with its Composition, or there
            is not exactly one Patient, the one that the Composition is about.
    """
    if envelope.type not in TYPES:
        raise Unprocessable("A Bundle of this type is not taken apart.", "Bundle.type")
    entries = envelope.entries
    stored = [entry.resource is not None and entry.type not in NOT_STORED for entry in entries]
    # Each entry is assigned its number: a link then says which entry it means.
    numbers = [str(number) if keep else None for number, keep in enumerate(stored)]
    resolved = resolve_internal(entries, numbers, by_id=True)
    composition = _composition(envelope)
    patient = _patient(entries, composition, resolved)
    order = _ordered([_means(entry, links) for entry, links in zip(entries, resolved.links, strict=True)])
    return Extract(
        patient=entries[patient],
        composition=composition,
        resources=tuple(entries[number] for number in order if stored[number]),
        identifier=envelope.head.get("identifier"),
        labels=tuple(_labels(envelope.head, composition or {})),
        issues=(*resolved.issues, *_strangers(entries, resolved, entries[patient])),
    )


def _composition(envelope: Envelope) -> Mapping[str, Any] | None:
    if envelope.type != "document":
        return None
    first = envelope.entries[0] if envelope.entries else EnvelopeEntry()
    if first.type != "Composition" or first.resource is None:
        raise Unprocessable("A document begins with its Composition.", "Bundle.entry[0].resource")
    composition: Mapping[str, Any] = orjson.loads(first.resource)
    return composition


def _labels(*heads: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for head in heads:
        meta = head.get("meta", {})
        yield from (*meta.get("security", ()), *indications(meta))
        if "confidentiality" in head:
            yield {"system": _CONFIDENTIALITY, "code": head["confidentiality"]}


def _patient(entries: Sequence[EnvelopeEntry], composition: Mapping[str, Any] | None, resolved: Resolved) -> int:
    patients = [number for number, entry in enumerate(entries) if entry.type == "Patient"]
    if not patients:
        raise Unprocessable("The Bundle does not hold the Patient it is about.", "Bundle.entry")
    if len(patients) > 1:
        at = f"Bundle.entry[{patients[1]}].resource"
        raise Unprocessable("The Bundle holds a second Patient; a document is about one.", at)
    link = _link(composition or {}, "subject")
    if link is not None and resolved.links[0].get(link) != str(patients[0]):
        at = "Bundle.entry[0].resource.subject.reference"
        raise Unprocessable("The Composition is not about the Patient of the Bundle.", at)
    return patients[0]


def _strangers(entries: Sequence[EnvelopeEntry], resolved: Resolved, patient: EnvelopeEntry) -> Iterator[Issue]:
    about: Mapping[str, Any] = orjson.loads(patient.resource or b"{}")
    for number, (entry, links) in enumerate(zip(entries, resolved.links, strict=True)):
        # A Patient that is addressed but is not in the Bundle would put the resource into another's record.
        foreign = entry.resource is not None and any(_foreign(link, links) for link in references(entry.resource))
        # One that is named by a number alone has an identifier and no reference.
        if not foreign and (entry.resource is None or entry.resource.count(b'"identifier"') == 0):
            continue
        resource = orjson.loads(entry.resource or b"{}")
        for name in ELEMENTS:
            at = f"Bundle.entry[{number}].resource.{name}"
            if (link := _link(resource, name)) is not None and _foreign(link, links):
                yield Issue("error", "value", f"{at}.reference", _STRANGER)
            elif is_another(resource.get(name), about):
                yield Issue("error", "value", f"{at}.identifier", _STRANGER)


def _foreign(link: str, links: Mapping[str, str]) -> bool:
    return link not in links and _PATIENT.fullmatch(link) is not None


def _link(resource: Mapping[str, Any], name: str) -> str | None:
    reference = resource.get(name)
    link = reference.get("reference") if isinstance(reference, dict) else None
    return link if isinstance(link, str) else None


def _means(entry: EnvelopeEntry, links: Mapping[str, str]) -> list[int]:
    if entry.resource is None:
        return []
    return [int(links[link]) for link in references(entry.resource) if link in links]


def _ordered(edges: Sequence[Sequence[int]]) -> list[int]:
    """Return the nodes, each after those it points at; in a circle, the one met first comes last."""
    order: list[int] = []
    met: set[int] = set()
    for root in range(len(edges)):
        if root in met:
            continue
        met.add(root)
        trail = [(root, iter(edges[root]))]
        while trail:
            node, rest = trail[-1]
            below = next((child for child in rest if child not in met), None)
            if below is None:
                order.append(node)
                trail.pop()
            else:
                met.add(below)
                trail.append((below, iter(edges[below])))
    return order
