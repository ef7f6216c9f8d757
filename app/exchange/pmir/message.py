"""The message of a feed: a MessageHeader, and a history Bundle of what changed at the source (ITI-93).

https://profiles.ihe.net/ITI/PMIR/ITI-93.html, https://hl7.org/fhir/R4/messaging.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.identity.replaced import is_replaced
from app.packages.loaded import Profiles
from app.records.prepare import Prepared, check_structure, check_whole, prepare
from app.records.request import FhirRequest
from fhir.envelope import Envelope, EnvelopeEntry, read_bundle
from fhir.errors import FhirError, InvalidValue, NotSupported
from fhir.exact import read, write

EVENT = "urn:ihe:iti:pmir:2019:patient-feed"
HISTORY = "Bundle.entry[1].resource"
_TYPES = ("Patient", "RelatedPerson")
_NAME = re.compile(r"(?:(.*)/)?((?:Patient|RelatedPerson)/[A-Za-z0-9\-.]{1,64})(?:/_history/.*)?", re.DOTALL)


@dataclass(slots=True)
class Change:
    """One entry of the history.

    Attributes:
        number: Its place.
        method: POST, PUT or DELETE.
        type: Patient or RelatedPerson.
        names: What the source calls it: `Patient/1`, and its full URL.
        prepared: What is written; None for a deletion.
        id: The id it has here, once that is known.
        row: The row number of a new resource.
    """

    number: int
    method: str
    type: str
    names: tuple[str, ...]
    prepared: Prepared | None = None
    id: str = ""
    row: int = 0

    @property
    def path(self) -> str:
        """Where its resource is."""
        return f"{HISTORY}.entry[{self.number}].resource"

    @property
    def resource(self) -> Mapping[str, Any]:
        """What is written; empty for a deletion."""
        return {} if self.prepared is None else self.prepared.resource


@dataclass(frozen=True, slots=True)
class Feed:
    """A message that may be carried out: its header, what changed, and the addresses below which the source is."""

    header: Mapping[str, Any]
    changes: tuple[Change, ...]
    bases: frozenset[str] = field(default_factory=frozenset)


def name_of(reference: str) -> tuple[str, str]:
    """Return base and `Type/id` of a reference to a Patient or RelatedPerson; two empty texts for another."""
    found = _NAME.fullmatch(reference)
    return (found[1] or "", found[2]) if found else ("", "")


def read_feed(request: FhirRequest, envelope: Envelope, profiles: Profiles) -> Feed:
    """Return the feed that a message Bundle is.

    Raises:
        NotSupported: it is a message of another kind, or changes what is fed by none.
        InvalidValue: a part of it is missing.
        FhirError: a resource is refused; the expression names it.
    """
    if len(envelope.entries) != 2:
        raise InvalidValue("A feed has two entries: MessageHeader and history Bundle", "Bundle.entry")
    first, second = envelope.entries
    if first.type != "MessageHeader" or first.resource is None:
        raise InvalidValue("The first entry is a MessageHeader", "Bundle.entry[0].resource")
    header = orjson.loads(first.resource)
    check_structure(header, "Bundle.entry[0].resource")
    if header.get("eventUri") != EVENT:
        raise NotSupported(f"The only message that is carried out is {EVENT}", "Bundle.entry[0].resource.eventUri")
    if second.type != "Bundle" or second.resource is None:
        raise InvalidValue("The second entry is a Bundle of type history", HISTORY)
    header.setdefault("id", name_or_last(first))
    history = read_bundle(second.resource, most=request.hub.settings.bundle_entries)
    if history.type != "history" or not history.entries:
        raise InvalidValue("The second entry is a Bundle of type history, with entries", f"{HISTORY}.type")
    changes = tuple(_change(request, number, entry, profiles) for number, entry in enumerate(history.entries))
    bases = frozenset(base for one in changes for name in one.names if (base := name_of(name)[0]))
    return Feed(header, changes, bases)


def name_or_last(entry: EnvelopeEntry) -> str:
    """Return what a header without an id is called: the end of its full URL."""
    last = re.split(r"[/:]", entry.full_url or "")[-1]
    return last if re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", last) else "unnamed"


def _change(request: FhirRequest, number: int, entry: EnvelopeEntry, profiles: Profiles) -> Change:
    place = f"{HISTORY}.entry[{number}]"
    asked = entry.request
    if asked is None:
        raise InvalidValue("An entry of a history has a request", f"{place}.request")
    if asked.method not in ("POST", "PUT", "DELETE"):
        raise NotSupported(f"{asked.method} is not fed", f"{place}.request.method")
    type_name = asked.url.strip("/").partition("/")[0]
    _, name = name_of(asked.url.strip("/"))
    if name:
        type_name = name.partition("/")[0]
    if type_name not in _TYPES:
        raise NotSupported("Patient and RelatedPerson are fed", f"{place}.request.url")
    if not name and asked.method != "POST":
        raise InvalidValue("The url is Type/id", f"{place}.request.url")
    own = f"{type_name}/{entry.id}" if entry.id else ""
    names = tuple(dict.fromkeys(one for one in (name, own, entry.full_url) if one))
    if asked.method == "DELETE":
        return Change(number, asked.method, type_name, names)
    return Change(number, asked.method, type_name, names, _prepared(request, entry, type_name, place, profiles))


def _prepared(request: FhirRequest, entry: EnvelopeEntry, type_name: str, place: str, profiles: Profiles) -> Prepared:
    if entry.resource is None:
        raise InvalidValue("What was created or updated is there", f"{place}.resource")
    path = f"{place}.resource"
    try:
        body, received = _inactive(entry.resource)
        made = prepare(body, request.authority, type_name=type_name, path=path, profiles=profiles, received=received)
        check_whole(made, path)
    except FhirError as error:
        if not (error.expression or "").startswith("Bundle."):
            error.expression = f"{path}{'.' if error.expression else ''}{error.expression or ''}"
        raise
    return made


def _inactive(body: bytes) -> tuple[bytes, bytes | None]:
    """Return a Patient that was merged as one that is not active, and what was received where that is not the same."""
    if b"replaced-by" not in body:
        return body, None
    tree = read(body)
    if not is_replaced(tree) or tree.get("active") is False:
        return body, None
    return write({**tree, "active": False}), body
