"""The sealed record: one access as canonical JSON, identifiers as HMACs, details encrypted.

docs/audit.md lists its members. AES-256-GCM: https://csrc.nist.gov/pubs/sp/800/38/d/final
"""

import os
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidTag

from app.audit.keys import Keys
from app.clock import DAY

VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16
ERASED = "hmac:"
"""What precedes the HMAC that stands for an identifier once the details are erased."""


class RecordError(ValueError):
    """A record cannot be read."""


class MalformedRecord(RecordError):
    """It is not a sealed record in canonical form."""


class UnknownVersion(RecordError):
    """It was written by a later release."""


class Unreadable(RecordError):
    """Its details do not open: it was altered, or salt or master key are not those it was sealed with."""


class Event(NamedTuple):
    """One access, as the gates know it. One is made for each request, so it is a tuple."""

    recorded: int
    """Microseconds since 1970, UTC."""
    action: str
    """C, R, U, D or E: https://hl7.org/fhir/R4/valueset-audit-event-action.html"""
    interaction: str
    """A code of https://hl7.org/fhir/R4/valueset-type-restful-interaction.html or of `app.audit.patterns`."""
    outcome: str = "0"
    """0, 4, 8 or 12: https://hl7.org/fhir/R4/valueset-audit-event-outcome.html"""
    outcome_desc: str | None = None
    patient: str | None = None
    """The site's Patient, as a reference: `Patient/4711`."""
    patient_key: int | None = None
    user: str | None = None
    """The person who asked; nobody for a client that acts on its own."""
    user_name: str | None = None
    client: str | None = None
    organisation: str | None = None
    """The organisation the caller acts for."""
    role: str | None = None
    """A role's name, or `system|code`."""
    purpose: str | None = None
    """A code of https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html"""
    network: str | None = None
    """The address the request came from."""
    request_id: str | None = None
    method: str | None = None
    path: str | None = None
    query: str | None = None
    """The query string, or the body of a search by POST, as received; a token request's without secrets."""
    entities: tuple[str, ...] = ()
    """What was read or written, as references: `Observation/1/_history/2`."""
    description: str | None = None
    """What was asked, in words fit for the patient; without it, method and path."""
    custodian: str | None = None
    """The organisation whose records were disclosed or written."""
    erased: bool = False
    """The details are gone: identifiers are HMACs after `ERASED`, what is not a plain member is empty."""


class IndexKeys(NamedTuple):
    """The first 64 bits of a record's HMACs, signed, for the columns of a database index."""

    patient: int | None
    user: int | None
    organisation: int | None
    client: int | None


_HIDDEN = (
    ("c", "client", "client"),
    ("g", "organisation", "organisation"),
    ("h", "custodian", "organisation"),
    ("p", "patient", "patient"),
    ("u", "user", "user"),
)
"""Member, field, kind of identifier; a custodian is an organisation, so that both are found by one HMAC."""

_DETAILS = (
    *("outcome_desc", "patient", "patient_key", "user", "user_name", "client", "organisation", "role"),
    *("purpose", "network", "request_id", "method", "path", "query", "entities", "description", "custodian"),
)
"""The order of the details in version 1; a new field is a new version."""

_details_of = attrgetter(*_DETAILS)
_END_OF_TIME = 253_402_300_800_000_000
"""The year 10000, which datetime does not know."""
_REQUIRED = frozenset("vktaiod")
_MEMBERS = _REQUIRED | {member for member, _, _ in _HIDDEN}


def seal(event: Event, keys: Keys, salt: bytes | None = None) -> bytes:
    """Return the record of an event.

    Args:
        event: What happened.
        keys: The ring; its current key seals.
        salt: The patient's salt; none when the event has no patient.

    Raises:
        ValueError: A patient without a salt (the details could never be erased), or a salt without a patient.
    """
    if (event.patient is None) is not (salt is None):
        raise ValueError("a record of a patient takes that patient's salt, any other record takes none")
    key = keys.current
    year = year_of(event.recorded)
    members: dict[str, str | int] = {}
    for member, field, kind in _HIDDEN:
        value = getattr(event, field)
        if value is not None:
            members[member] = keys.pseudonym(kind, value, year, key)[0]
    members["a"] = event.action
    members["i"] = event.interaction
    members["k"] = key
    members["o"] = event.outcome
    members["t"] = event.recorded
    members["v"] = VERSION
    cipher = keys.hub_cipher(year, key) if salt is None else keys.cipher(salt, key)
    nonce = os.urandom(NONCE_BYTES)
    details = cipher.encrypt(nonce, orjson.dumps(_details_of(event)), _canonical(members))
    members["d"] = b2a_base64(nonce + details, newline=False).decode()
    return _canonical(members)


def unseal(record: bytes, keys: Keys, salt: bytes | None = None) -> Event:
    """Return the event of a record.

    Args:
        record: What `seal` returned.
        keys: The ring it was sealed with, or a later one.
        salt: The patient's salt; none when the record has no patient, or when the salt was erased: then the
            event says `erased`.

    Raises:
        MalformedRecord: It is not a record.
        UnknownVersion: It is a record of another version.
        UnknownKey: The ring does not hold the key it was sealed with.
        Unreadable: The details do not open.
    """
    members = parse(record)
    year, key = year_of(members["t"]), members["k"]
    # First, whatever the record is: one whose key is not known is not taken for one that was erased.
    cipher = keys.hub_cipher(year, key) if salt is None else keys.cipher(salt, key)
    if salt is None and "p" in members:
        hidden = {field: ERASED + members[member] for member, field, _ in _HIDDEN if member in members}
        return Event(**_plain(members), **hidden, erased=True)
    sealed = a2b_base64(members.pop("d"))
    try:
        opened = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _canonical(members))
    except InvalidTag:
        raise Unreadable("the details do not open with this salt and this master key") from None
    details = dict(zip(_DETAILS, orjson.loads(opened), strict=True))
    details["entities"] = tuple(details["entities"])
    return Event(**_plain(members), **details)


def parse(record: bytes) -> dict[str, Any]:
    """Return the members of a record, checked for form; no key is needed.

    Raises:
        MalformedRecord: It is not a record.
        UnknownVersion: It is a record of another version.
    """
    try:
        members = orjson.loads(record)
    except orjson.JSONDecodeError:
        raise MalformedRecord("not JSON") from None
    if not isinstance(members, dict) or not isinstance(members.get("v"), int):
        raise MalformedRecord("not a record")
    if members["v"] != VERSION:
        raise UnknownVersion(f"a record of version {members['v']}; this release reads version {VERSION}")
    if not members.keys() >= _REQUIRED or not members.keys() <= _MEMBERS or _canonical(members) != record:
        raise MalformedRecord("not a record in canonical form")
    if not all(isinstance(value, int if name in "vkt" else str) for name, value in members.items()):
        raise MalformedRecord("a member is of the wrong type")
    if not 0 <= members["t"] < _END_OF_TIME:
        raise MalformedRecord("a time no calendar has")
    try:
        details = a2b_base64(members["d"], strict_mode=True)
    except Base64Error:
        raise MalformedRecord("the details are not base64") from None
    if len(details) < NONCE_BYTES + TAG_BYTES:
        raise MalformedRecord("the details are cut off")
    return members


def index_keys(event: Event, keys: Keys) -> IndexKeys:
    """Return what the database indexes of an event."""
    year, key = year_of(event.recorded), keys.current
    return IndexKeys(
        None if event.patient is None else keys.pseudonym("patient", event.patient, year, key)[1],
        None if event.user is None else keys.pseudonym("user", event.user, year, key)[1],
        None if event.organisation is None else keys.pseudonym("organisation", event.organisation, year, key)[1],
        None if event.client is None else keys.pseudonym("client", event.client, year, key)[1],
    )


def search_keys(kind: str, value: str, keys: Keys, years: range) -> list[int]:
    """Return every index key an identifier may have: one a year and master key.

    Args:
        kind: `patient`, `user`, `organisation` or `client`.
        value: The identifier, as the event carried it.
        keys: The ring.
        years: The UTC years to search.
    """
    return [keys.pseudonym(kind, value, year, key)[1] for year in years for key in keys.ids]


def year_of(recorded: int) -> int:
    """Return the UTC year of an instant in microseconds: the year whose HMAC key hides its identifiers."""
    return _year_of_day(recorded // DAY)


@lru_cache(maxsize=64)
def _year_of_day(day: int) -> int:
    return datetime.fromtimestamp(day * (DAY // 1_000_000), UTC).year


def _canonical(members: dict[str, Any]) -> bytes:
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def _plain(members: dict[str, Any]) -> dict[str, Any]:
    return {
        "recorded": members["t"],
        "action": members["a"],
        "interaction": members["i"],
        "outcome": members["o"],
    }
