"""The entries of a Bundle that provides documents, each in its slice; the slicing is closed.

https://profiles.ihe.net/ITI/MHD/StructureDefinition-IHE.MHD.Minimal.ProvideBundle.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.exchange.mhd.profiles import Level, list_type
from fhir.envelope import Envelope, EnvelopeEntry
from fhir.errors import InvalidValue

SUPERSEDE = {"path": "DocumentReference.status", "type": "replace", "value": "superseded"}
"""The one change that an entry may ask of a document that is here already."""


@dataclass(frozen=True, slots=True)
class Part:
    """One entry: its place in the Bundle, its bytes, its resource as a tree."""

    number: int
    entry: EnvelopeEntry
    tree: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Where the resource is."""
        return f"Bundle.entry[{self.number}].resource"

    @property
    def method(self) -> str:
        """What is asked."""
        return self.entry.request.method if self.entry.request is not None else ""


@dataclass(slots=True)
class Submission:
    """What is provided, by slices."""

    level: Level
    sets: list[Part] = field(default_factory=list)
    """SubmissionSets; there is one."""
    documents: list[Part] = field(default_factory=list)
    """DocumentReferences."""
    updates: list[Part] = field(default_factory=list)
    """Documents that are superseded without a replacement."""
    binaries: list[Part] = field(default_factory=list)
    fhir_documents: list[Part] = field(default_factory=list)
    """Documents that are Bundles."""
    folders: list[Part] = field(default_factory=list)
    patients: list[Part] = field(default_factory=list)
    """The Patient; there is one at most."""

    @property
    def described(self) -> Iterator[Part]:
        """What says whose it is."""
        yield from (*self.sets, *self.documents, *self.folders)


_METHODS = {
    "sets": ("POST",),
    "documents": ("POST",),
    "updates": ("PATCH",),
    "binaries": ("POST",),
    "fhir_documents": ("POST",),
    "folders": ("POST", "PUT"),
    "patients": ("GET", "POST", "PUT"),
}
_MOST = {"sets": 1, "patients": 1}
_LISTS = {"submissionset": "sets", "folder": "folders"}
_TYPES = {"DocumentReference": "documents", "Parameters": "updates", "Binary": "binaries", "Patient": "patients"}


def _slice(tree: Mapping[str, Any]) -> str:
    """Return the slice that a resource is for; an empty text for none."""
    if tree.get("resourceType") == "List":
        return _LISTS.get(list_type(tree), "")
    if tree.get("resourceType") == "Bundle":
        return "fhir_documents" if tree.get("type") == "document" else ""
    return _TYPES.get(tree.get("resourceType", ""), "")


def _supersedes(parameters: Mapping[str, Any]) -> bool:
    """Return whether a patch marks a document as superseded, and does nothing else."""
    found = parameters.get("parameter")
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):
        return False
    parts = found[0].get("part")
    if found[0].get("name") != "operation" or not isinstance(parts, list):
        return False
    said = {
        part.get("name"): next((value for name, value in part.items() if name.startswith("value")), None)
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("name"), str)
    }
    return len(parts) == len(SUPERSEDE) and said == SUPERSEDE


def _part(number: int, entry: EnvelopeEntry) -> Part:
    if entry.request is None:
        raise InvalidValue("An entry of a transaction has a request", f"Bundle.entry[{number}].request")
    if entry.resource is None and entry.request.method != "GET":
        raise InvalidValue("An entry that provides something has a resource", f"Bundle.entry[{number}].resource")
    tree = orjson.loads(entry.resource) if entry.resource is not None else {"resourceType": "Patient"}
    return Part(number, entry, tree)


def read_submission(envelope: Envelope, level: Level) -> Submission:
    """Return what a Bundle provides, by slices.

    Raises:
        InvalidValue: an entry is in none of the slices, one has too many, or there is no SubmissionSet.
    """
    found = Submission(level)
    for number, entry in enumerate(envelope.entries):
        part = _part(number, entry)
        name, place = _slice(part.tree), f"Bundle.entry[{number}]"
        if not name:
            raise InvalidValue(f"A {part.tree['resourceType']} like this is not provided with documents", place)
        if part.method not in _METHODS[name]:
            raise InvalidValue(f"The method here is {' or '.join(_METHODS[name])}", f"{place}.request.method")
        if name == "updates" and not _supersedes(part.tree):
            raise InvalidValue("The only change provided is of DocumentReference.status to superseded", place)
        members: list[Part] = getattr(found, name)
        members.append(part)
        if len(members) > _MOST.get(name, len(members)):
            raise InvalidValue(f"There is one {part.tree['resourceType']} of this kind at most", place)
    if not found.sets:
        raise InvalidValue("A Bundle that provides documents has a SubmissionSet", "Bundle.entry")
    return found
