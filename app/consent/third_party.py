"""The records of provision to third parties: 個人情報保護法 第29条 (who provides) and 第30条 (who receives).

Each is read off the audit log, which is kept for good, so that nothing can be provided without a record of it. A record
says when, from whom, to whom, about whom, what, and under which consent. What is no provision to a third party is not
among them: a site that reads its own records, and the secretariat, which works on the sites' behalf (委託, 第27条5項).
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from sqlalchemy import BigInteger, SmallInteger, Text, and_, bindparam, select

from app.audit.asking import walk
from app.audit.record import Event
from app.audit.review import Question, Reviewer
from app.clock import in_japan
from app.comma import comma_separated
from app.db import DatabaseConnection
from fhir.resource import parse
from fhir.search.hashing import hash64
from fhir.store.in_order import by_hash, in_order
from fhir.store.tables import CURRENT_VERSION, patient_chart, resource, resource_id, resource_version
from fhir.store.types import NUMBERS

ON_BEHALF = frozenset({"secretariat", "operator", "auditor"})
"""Roles that work for the sites: no third parties."""

AT_ONCE = 500
"""Audit records that are read at once."""

MOST_VERSIONS = 10_000
"""Versions of a person's Consents that are looked through."""

COLUMNS = (
    *("date", "provider", "provider_number", "receiver", "receiver_number", "receiver_address", "patient", "name"),
    *("items", "purpose", "consent", "person", "record"),
)
"""The header of the CSV."""

_BODY = (
    select(resource_version.c.body)
    .select_from(in_order(by_hash(resource), resource_version, CURRENT_VERSION))
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.id == bindparam("id", type_=Text),
    )
)
_CONSENTS = (
    select(
        resource.c.id,
        resource.c.custodian,
        resource_version.c.version,
        resource_version.c.last_updated,
        resource_version.c.body,
    )
    .select_from(
        in_order(
            in_order(
                patient_chart,
                resource,
                and_(resource.c.patient_key == patient_chart.c.key, resource.c.type == NUMBERS["Consent"]),
            ),
            resource_version,
            and_(resource_version.c.patient_key == resource.c.patient_key, resource_version.c.row == resource.c.row),
        )
    )
    .where(patient_chart.c.patient_key == bindparam("patient", type_=BigInteger))
    .order_by(resource.c.id, resource_version.c.version)
    .limit(MOST_VERSIONS)
)


GIVES_NOTHING = {"link", "unlink"}
"""What is on record about another site's Patient without anything of it being told."""


@dataclass(frozen=True, slots=True)
class Provision:
    """One record: a line of the CSV, in the order of `COLUMNS`; texts that nobody knows are empty."""

    date: str
    """In Japan: `2026-04-01T09:00:00+09:00`."""
    provider: str
    provider_number: str
    receiver: str
    receiver_number: str
    receiver_address: str
    patient: str
    name: str
    items: str
    purpose: str
    consent: str
    """The versions of the person's Consents that were in force, or `implied`."""
    person: str
    """Who asked, at the receiver."""
    record: str
    """The number of the audit record."""


@dataclass(frozen=True, slots=True)
class Party:
    """A site as the records name it."""

    title: str
    number: str
    address: str = ""


def is_provision(event: Event) -> bool:
    """Return whether an access gave what a site keeps about a person to another."""
    return (
        event.outcome == "0"
        and event.patient is not None
        and event.custodian is not None
        and event.organisation is not None
        and event.custodian != event.organisation
        and event.role not in ON_BEHALF
        and event.interaction not in GIVES_NOTHING
    )


def _items(event: Event) -> str:
    """Return the types of what was given."""
    types = {entity.partition("/")[0] for entity in event.entities}
    if not types and event.path:
        asked = event.path.removeprefix("/fhir/").partition("/")[0].partition("?")[0]
        types = {asked if asked in NUMBERS else event.interaction}
    return " ".join(sorted(types)) or event.interaction


def _address(organization: Mapping[str, Any]) -> str:
    for address in organization.get("address", ()):
        if text := address.get("text"):
            return str(text)
        parts = [address.get(name, "") for name in ("postalCode", "state", "city")] + list(address.get("line", ()))
        return " ".join(part for part in parts if part)
    return ""


class _Reading:
    """What the records need beside the log, each read once.

    It reads what those who keep the records may: addresses of the directory, and the names of patients and the Consents
    of the site that `names_of` and `own` say.
    """

    def __init__(self, connection: DatabaseConnection, sites: Mapping[str, Party], own: int | None) -> None:
        self._connection = connection
        self._sites = sites
        self._own = own
        self._parties: dict[str, Party] = {}
        self._names: dict[str, str] = {}
        self._consents: dict[int, list[tuple[str, str, int, bool]]] = {}

    async def _body(self, reference: str) -> Mapping[str, Any]:
        type_name, _, id_ = reference.partition("/")
        values = {"hash": hash64(reference), "type": NUMBERS.get(type_name, 0), "id": id_}
        rows = await self._connection.fetch(_BODY, values)
        return parse(bytes(rows[0][0])) if rows and rows[0][0] else {}

    async def party(self, reference: str) -> Party:
        if reference not in self._parties:
            known = self._sites.get(reference, Party(reference, ""))
            self._parties[reference] = Party(known.title, known.number, _address(await self._body(reference)))
        return self._parties[reference]

    async def name(self, patient: str) -> str:
        if patient not in self._names:
            names = (await self._body(patient)).get("name", ({},))
            parts = [names[0].get("family", ""), *names[0].get("given", ())]
            self._names[patient] = str(names[0].get("text") or " ".join(part for part in parts if part))
        return self._names[patient]

    async def consent(self, patient_key: int | None, at: int) -> str:
        """Return the versions of the person's Consents that were active at an instant."""
        if patient_key is None:
            return ""
        if patient_key not in self._consents:
            rows = await self._connection.fetch(_CONSENTS, {"patient": patient_key})
            self._consents[patient_key] = [
                (
                    str(id_),
                    f"Consent/{id_}/_history/{version}" if self._own in (None, custodian) else "Consent",
                    int(since),
                    bool(body) and parse(bytes(body)).get("status") == "active",
                )
                for id_, custodian, version, since, body in rows
            ]
        current: dict[str, tuple[str, bool]] = {}
        for id_, name, since, active in self._consents[patient_key]:
            if since <= at:
                current[id_] = name, active
        return " ".join(name for name, active in current.values() if active)


async def provisions(
    connection: DatabaseConnection,
    reviewer: Reviewer,
    question: Question,
    sites: Mapping[str, Party],
    *,
    now: int,
    names_of: str | None = None,
    own: int | None = None,
    implied: bool = False,
) -> AsyncIterator[Provision]:
    """Yield the records that answer a question, the newest first.

    Args:
        connection: Where to read.
        reviewer: Opens the audit log.
        question: Which site, which patient, from when until when.
        sites: The sites by their references.
        now: The present in microseconds since 1970 UTC.
        names_of: The site whose patients are named, by its reference; empty for none, None for all. Of those that
            another site told of, the receiver has what it was told.
        own: The site whose Consents are named, by its key; of those recorded elsewhere it learns that there is one.
            None for all.
        implied: Whether the region implies the consent of the silent.
    """
    reading = _Reading(connection, sites, own)
    async for entry in walk(connection, reviewer, question, now=now, at_once=AT_ONCE):
        if is_provision(entry.event):
            yield await _provision(reading, entry.event, entry.row, names_of, implied)


async def _provision(reading: _Reading, event: Event, row: int, names_of: str | None, implied: bool) -> Provision:
    provider, receiver = str(event.custodian), str(event.organisation)
    patient = str(event.patient)
    from_, to = await reading.party(provider), await reading.party(receiver)
    consent = await reading.consent(event.patient_key, event.recorded)
    return Provision(
        *(in_japan(event.recorded), from_.title, from_.number, to.title, to.number, to.address, patient),
        await reading.name(patient) if names_of in (None, provider) and not event.erased else "",
        *(_items(event), event.purpose or "", consent or ("implied" if implied else "")),
        *(event.user_name or event.user or event.client or "", str(row)),
    )


def to_csv(found: Iterable[Provision], *, header: bool = True) -> str:
    """Return records as CSV (RFC 4180) with a header."""
    return comma_separated((astuple(one) for one in found), COLUMNS if header else ())


def parties_of(organisations: Sequence[Any]) -> dict[str, Party]:
    """Return the sites of the directory by their references."""
    return {one.reference: Party(one.title, one.number) for one in organisations}
