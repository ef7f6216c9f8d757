"""A file of a store, understood: what its path says, what its message becomes, and what is wrong with it.

Nothing here asks anybody; a batch is understood before its transaction begins.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote

from app.exchange.hl7v2.message import Finding, Hl7Error, Message, parse
from app.exchange.hl7v2.to_fhir.kinds import KINDS
from app.exchange.hl7v2.to_fhir.mapped import Action, Entry, Key, OrderSet
from app.exchange.hl7v2.to_fhir.resources import resources
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.ssmix2.kinds import Flag
from app.exchange.ssmix2.path import Name, NotOfAStore, read_path, same_patient
from fhir.exact import write
from fhir.profiles.structure import check
from fhir.search.hashing import hash64

EMPTY_BYTES = 4
"""A file of no more bytes than a line's end says nothing."""

_LINK = re.compile(rb'"(?:reference|url)":"([A-Z][A-Za-z]+\?identifier=[^"\\]*)"')

SHORTEST_FIELDS = 2
"""A segment of no more fields that has no end was cut."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A resource that a file becomes."""

    key: Key
    action: Action
    body: bytes
    """JSON without an id; it refers to others by `Key.reference`."""
    meta: dict[str, Any]
    links: tuple[tuple[bytes, Key], ...]
    """The conditional references in it, each once, and what each means."""
    content: int
    """A hash of what it says, whatever file said it."""
    hash: int
    """By which it is found again among a patient's."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A file that may be stored.

    Attributes:
        patient: The Patient it belongs to; the first of its pieces.
        whole: The types of which the file says all that there is, and what becomes of the others' status.
    """

    path: str
    name: Name
    digest: bytes
    body: bytes
    charset: str
    patient: Piece
    pieces: tuple[Piece, ...]
    orders: tuple[OrderSet, ...] = ()
    findings: tuple[Finding, ...] = ()
    file_hash: int = field(init=False)
    """hash64 of the name without its flag."""
    slot_hash: int = field(init=False)
    """hash64 of what the file shares with those that it replaces."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "file_hash", hash64(self.name.without_flag))
        object.__setattr__(self, "slot_hash", hash64(self.name.slot))

    @property
    def other_numbers(self) -> tuple[Key, ...]:
        """How the number of its patient may be written otherwise: as in its path, and without zeros before it."""
        own, stated = self.patient.key, self.name.patient
        return tuple(Key(own.type, own.system, one) for one in sorted({stated, stated.lstrip("0")} - {own.value, ""}))


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that is not stored, and why."""

    path: str
    findings: tuple[Finding, ...] = field(default=())


def hash_of(key: Key) -> int:
    """Return the number by which a resource is found again among those of its patient."""
    return hash64(f"{key.type} {key.system}|{key.value}")


@lru_cache(maxsize=4096)
def key_of(link: bytes) -> Key:
    """Return what a conditional reference means; the other way of `Key.reference`."""
    type_name, _, rest = link.decode().partition("?identifier=")
    system, _, value = rest.rpartition("|")
    return Key(type_name, system, unquote(value))


def understand(path: str, body: bytes, source: Source) -> Understood | Refused:
    """Return what a file of a standard store says.

    Args:
        path: Below the root of the store.
        body: The file.
        source: The site's.
    """
    try:
        place = read_path(path)
    except NotOfAStore as error:
        return Refused(path, (Finding("", 0, 0, str(error)),))
    name = place.name
    if name.kind not in KINDS:
        return Refused(path, (Finding("", 0, 0, f"{name.kind} is no kind of a standard store"),))
    digest = hashlib.sha256(body).digest()
    if len(body) <= EMPTY_BYTES and not body.strip():
        if name.flag is Flag.CURRENT:
            return Refused(path, (Finding("", 0, 0, "the file is empty"),))
        # It says by its name alone what was deleted.
        return Understood(path, name, digest, body, "", named(name.patient, source), ())
    try:
        message = parse(body)
        return _mapped(path, name, digest, body, message, source)
    except Hl7Error as error:
        return Refused(path, (error.finding,))


def named(number: str, source: Source) -> Piece:
    """Return a Patient of whom no more than a number is known."""
    key = Key("Patient", source.patient_system, number)
    resource = {
        "resourceType": "Patient",
        "identifier": [{"system": key.system, "value": number}],
        "managingOrganization": {"reference": f"Organization/{source.custodian}"},
    }
    return piece_of(Entry(key, resource, "mention"), "")


def _mapped(
    path: str, name: Name, digest: bytes, body: bytes, message: Message, source: Source
) -> Understood | Refused:
    _check_patient(name, message)
    end = _check_end(message, body)
    mapped = resources(message, source, kind=name.kind, flag=str(int(name.flag)))
    origin = f"{source.local('ssmix2')}#{path}"
    pieces, wrong = [], list[Finding]()
    for entry in mapped.entries:
        # Who is only named is looked at when it is written: mostly the Patient is there.
        issues = [] if entry.action == "mention" else problems(entry.resource)
        wrong += [Finding("", 0, 0, text) for text in issues]
        if not issues:
            pieces.append(piece_of(entry, origin))
    findings = (*mapped.findings, *end, *wrong)
    if not pieces or pieces[0].key != mapped.patient:
        return Refused(path, findings)
    return Understood(
        *(path, name, digest, body, message.charset, pieces[0], tuple(pieces[1:])), mapped.orders, findings
    )


def problems(resource: dict[str, Any]) -> list[str]:
    """Return how a resource breaks the rules of R4."""
    found = [one for one in check(resource) if one.severity in ("error", "fatal")]
    return [f"{one.expression}: {one.diagnostics}" for one in found]


def _check_patient(name: Name, message: Message) -> None:
    """Refuse a message of another patient than its path says.

    Raises:
        Hl7Error: it is.
    """
    for pid in message.all("PID"):
        number = pid.text(3).strip()
        if number and not same_patient(number, name.patient):
            raise pid.error(3, f"the file of patient {name.patient} holds a message of patient {number}", code=204)


def _check_end(message: Message, body: bytes) -> list[Finding]:
    """Return what is wrong with the end of a message.

    Raises:
        Hl7Error: its last segment is cut short: within a double-byte character, or before its first field.
    """
    last = message.segments[-1]
    ended = body.rstrip(b"\x1c\x1a\x00 ").endswith((b"\r", b"\n"))
    within = body.rfind(b"\x1b$") > body.rfind(b"\x1b(")
    if within or (not ended and len(message.segments) > 1 and len(last.fields) <= SHORTEST_FIELDS):
        raise last.error(0, "the message ends in the middle of a segment", code=207)
    return [] if ended else [last.finding(0, "the last segment has no end: the file may have been cut")]


def piece_of(entry: Entry, origin: str) -> Piece:
    """Return a resource as it is written.

    Args:
        entry: What was mapped.
        origin: The URI of the file it comes from, for `meta.source`; empty for none.
    """
    resource = entry.resource
    body = write(resource)
    content = int.from_bytes(blake2b(body, digest_size=8).digest(), "big", signed=True)
    meta = dict(resource.get("meta", {}))
    if origin:
        meta["source"] = origin
        body = _with_source(body, resource, meta)
    links = tuple((link, key_of(link)) for link in dict.fromkeys(_LINK.findall(body)))
    return Piece(entry.key, entry.action, body, meta, links, content, hash_of(entry.key))


def _with_source(body: bytes, resource: Mapping[str, Any], meta: Mapping[str, Any]) -> bytes:
    if "meta" in resource:
        return write(dict(resource) | {"meta": meta})
    start = b'{"resourceType":"%b"' % str(resource["resourceType"]).encode()
    return start + b',"meta":' + write(meta) + body[len(start) :]
