"""What a summary is made of: searches of the person's record, each bounded, and what their matches refer to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.access.directory import organisations
from app.identity.scope import patient_keys
from app.records.query import read_query
from app.records.record import NEWEST
from app.records.request import FhirRequest
from fhir.documents.choosing import LISTS, Chosen, choose
from fhir.documents.facts import Held
from fhir.documents.sections import SECTIONS, Ask
from fhir.documents.summary import wanted
from fhir.exact import read
from fhir.search.run import search
from fhir.store.connection import Visibility
from fhir.store.stored import Stored
from fhir.store.tables import NO_PATIENT
from fhir.store.walk import Span

MOST_SUPPORT = 200
"""The most resources that are there because others refer to them."""

MOST_LISTS = 20
MOST_PATIENTS = 200
DEPTH = 3
"""How many references are followed in a row: from a report to a result to its performer's organisation."""


@dataclass(slots=True)
class Gathered:
    """What a summary is made of.

    Attributes:
        patient: The Patient that was asked for.
        chosen: What stands in the sections.
        support: By its link, what that refers to.
        stored: By its link, each resource as it is stored.
    """

    patient: Held
    chosen: Sequence[Chosen]
    support: Mapping[str, Held] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)


async def gather(request: FhirRequest, patient: Stored, visibility: Visibility | None = None) -> Gathered:
    """Return what a summary of a person is made of, as far as it exists for the caller.

    Args:
        request: On whose behalf.
        patient: One of the person's Patients.
        visibility: What is to be seen, when that is less than the caller sees.
    """
    return await _Gathering(request, patient, visibility or request.record.visibility).all()


class _Gathering:
    def __init__(self, request: FhirRequest, patient: Stored, visibility: Visibility) -> None:
        self._request = request
        self._patient = patient
        self._visibility = visibility
        self._titles: Mapping[int, str] = {}
        self._stored: dict[str, Stored] = {}

    async def all(self) -> Gathered:
        known = await organisations(self._request.hub.database.reader)
        self._titles = {one.key: one.title for one in known}
        found = {}
        for section in SECTIONS:
            for ask in section.asks:
                found[ask] = await self._found(ask, max(ask.most, section.most))
        found[LISTS] = await self._found(LISTS, MOST_LISTS)
        chosen = choose(found)
        (patient,) = self._held([self._patient])
        firsts = [fact.first for one in chosen for fact in one.facts]
        support = await self._support([patient, *firsts])
        return Gathered(patient, chosen, support, self._stored)

    def _held(self, found: Iterable[Stored]) -> list[Held]:
        held = [Held(read(one.body), one.body, one.labels, self._titles.get(one.custodian, "")) for one in found]
        self._stored |= {one.link: stored for one, stored in zip(held, found, strict=True)}
        return held

    async def _found(self, ask: Ask, most: int) -> tuple[Sequence[Held], bool]:
        """Return the newest matches, and whether there are more."""
        pairs = [("patient", f"Patient/{self._patient.id}"), *ask.criteria, ("_sort", ask.sort), ("_total", "none")]
        query = read_query(self._request.hub, ask.type, pairs)
        page = await search(self._request.record.connection, self._visibility, query, patient_keys, limit=most)
        return self._held(page.matches), page.after is not None

    async def _support(self, roots: Sequence[Held]) -> dict[str, Held]:
        """Return what the roots refer to, and what that refers to, as far as it is the person's or nobody's."""
        keys = await self._patient_keys(roots)
        address = f"{self._request.hub.settings.fhir_address}/"
        there = {one.link: one for one in roots}
        found: dict[str, Held] = {}
        waiting: Sequence[Held] = roots
        for _ in range(DEPTH):
            links = wanted(waiting, there, address)[: MOST_SUPPORT - len(found)]
            read_now = [one for one in await self._named(links) if one.patient_key in keys]
            waiting = self._held(read_now)
            found |= {one.link: one for one in waiting}
            there |= found
            if not waiting:
                break
        return found

    async def _named(self, links: Sequence[str]) -> list[Stored]:
        names = [(kind, id_) for kind, _, id_ in (link.partition("/") for link in links)]
        return await self._request.record.named_within(self._visibility, names)

    async def _patient_keys(self, roots: Sequence[Held]) -> set[int]:
        """Return the keys of the person's Patients, as far as the caller is shown anything of them, and nobody's."""
        keys = {self._stored[one.link].patient_key for one in roots}
        listed = await self._request.record.keys_of_person(
            self._patient.id, ("Patient",), Span(), limit=MOST_PATIENTS, before=NEWEST
        )
        return {key for key in keys if key > NO_PATIENT} | {one.patient_key for one in listed} | {NO_PATIENT}
