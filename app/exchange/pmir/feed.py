"""A feed is carried out: all changes of a message, or none (ITI-93).

A source feeds Patients and RelatedPersons of its own site. A merge moves no record: the link between the two Patients
makes them one person (`app.identity.merge`). Taking a merge back is the secretariat's, so here it is a 405.
https://profiles.ihe.net/ITI/PMIR/ITI-93.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from app.consent.visibility import EVERYTHING_VISIBLE
from app.exchange.domains import owner_of
from app.exchange.pixm.feed import STAYS_ELSEWHERE, incomplete
from app.exchange.pmir.answer import answer
from app.exchange.pmir.message import Change, Feed, name_of, read_feed
from app.exchange.pmir.names import id_of, remember
from app.identity.candidates import read_candidates
from app.identity.known import SHARED_SYSTEMS, known_patient
from app.identity.merge import meant_by, own_patient
from app.identity.replaced import is_replaced, survivors
from app.records.checked import checked
from app.records.commit import committed
from app.records.conditional import lock
from app.records.request import FhirRequest
from app.records.response import Response
from app.records.row_ids import new_id
from app.records.writing import Writing
from fhir.envelope import Envelope
from fhir.errors import FhirError, Forbidden, InvalidValue, MethodNotAllowed, NotFound, Unprocessable
from fhir.exact import read, write
from fhir.issue import Issue
from fhir.links import references
from fhir.resource import parse
from fhir.spec.identifier_systems import forms
from fhir.store.stored import Stored

_ORDER = {"POST": 0, "PUT": 0, "DELETE": 1}


def _turn(change: Change) -> tuple[int, bool, bool]:
    """Return the place of a change: Patients first, those that were merged behind those that stay, deletions last."""
    return _ORDER[change.method], change.type != "Patient", is_replaced(change.resource)


def _numbers(change: Change) -> Iterator[tuple[str, str]]:
    """Yield the identifiers by which a Patient of a message is one that came before in it."""
    for one in change.resource.get("identifier", ()) if change.type == "Patient" else ():
        if one.get("system") and one.get("value") and one["system"] not in SHARED_SYSTEMS:
            yield forms(one["system"])[0], one["value"]


class _Feeding:
    """A feed on its way; `done` is what each change wrote, None for a deletion of what was deleted before."""

    def __init__(self, request: FhirRequest, feed: Feed) -> None:
        self.request = request
        self.done: list[Stored | None] = [None] * len(feed.changes)
        self._feed = feed
        self._custodian = request.authority.custodian
        self._names: dict[str, str] = {}
        self._numbers: dict[tuple[str, str], str] = {}

    async def work(self, writing: Writing) -> list[Stored | None]:
        """Gather what the changes write."""
        await lock(writing.connection, self.request, ("Patient", "RelatedPerson"))
        for change in self._feed.changes:
            await self._find(writing, change)
        self._check_distinct()
        for change in sorted(self._feed.changes, key=_turn):
            try:
                self.done[change.number] = await self._one(writing, change)
            except FhirError as error:
                if not (error.expression or "").startswith("Bundle."):
                    error.expression = change.path
                raise
        known = [(name_of(name)[1], one.id) for one in self._feed.changes for name in one.names if name_of(name)[1]]
        await remember(writing.connection, self._custodian, known)
        return self.done

    def _check_distinct(self) -> None:
        written = [(one.type, one.id) for one in self._feed.changes]
        if len(set(written)) < len(written):
            raise InvalidValue("Two entries change the same resource", "Bundle.entry[1].resource.entry")

    async def _find(self, writing: Writing, change: Change) -> None:
        """Set the id that a change writes: of what it means, or a new one."""
        for name in change.names:
            _, stated = name_of(name)
            change.id = change.id or (stated and await id_of(writing.connection, stated, self._custodian)) or ""
        if not change.id and change.type == "Patient" and change.prepared is not None:
            found = await known_patient(writing.connection, change.resource, self._custodian)
            change.id = found[0] if found else ""
        numbers = list(_numbers(change))
        change.id = change.id or next((self._numbers[one] for one in numbers if one in self._numbers), "")
        if not change.id and change.prepared is None:
            raise NotFound("What was deleted is not known here", change.path)
        if not change.id:
            change.row, change.id = new_id(self.request.hub)
            if change.type == "Patient":
                writing.announce_patient(change.id, change.row)
        self._numbers |= dict.fromkeys(numbers, change.id)
        self._names |= dict.fromkeys(change.names, f"{change.type}/{change.id}")

    async def _links(self, writing: Writing, body: bytes) -> dict[str, str]:
        """Return what the references of a resource become."""
        found: dict[str, str] = {}
        for link in references(body):
            base, name = name_of(link)
            if link in self._names or (name in self._names and base in (*self._feed.bases, "")):
                found[link] = self._names.get(link) or self._names[name]
            elif name and base in (*self._feed.bases, ""):
                id_ = await id_of(writing.connection, name, self._custodian)
                if id_ is not None:
                    found[link] = f"{name.partition('/')[0]}/{id_}"
        return found

    async def _one(self, writing: Writing, change: Change) -> Stored | None:
        if change.prepared is None:
            return await writing.delete(change.type, change.id)
        if change.type == "RelatedPerson":
            await self._name_patient(writing, change)
        links = await self._links(writing, change.prepared.body)
        if change.type == "Patient":
            await self._check_patient(writing, change, links)
        if change.row:
            return await writing.create(
                change.prepared, row=change.row, id_=change.id, references=links, path=change.path
            )
        return await writing.update(change.prepared, change.id, references=links, path=change.path)

    async def _check_patient(self, writing: Writing, change: Change, links: Mapping[str, str]) -> None:
        """Refuse the numbers of others, a merge into nobody, and the end of a merge."""
        patient, connection = change.resource, writing.connection
        systems = {str(one["system"]) for one in patient.get("identifier", ()) if "system" in one}
        owners = {await owner_of(connection, system) for system in systems}
        if owners and owners.isdisjoint((None, self._custodian)):
            raise Forbidden("These are numbers of another organisation", f"{change.path}.identifier")
        base = self.request.hub.settings.fhir_address
        for reference in survivors(patient):
            literal = str(reference.get("reference", ""))
            meant = {**reference, "reference": links.get(literal, literal)} if literal else reference
            here = meant.get("reference") in self._names.values() or self._is_fed(meant)
            if not here and await meant_by(connection, meant, self._custodian, base) is None:
                raise incomplete(STAYS_ELSEWHERE, f"{change.path}.link.other")
        if not change.row and not is_replaced(patient):
            await self._check_stays_merged(writing, change)

    async def _check_stays_merged(self, writing: Writing, change: Change) -> None:
        found = await own_patient(writing.connection, change.id, self._custodian)
        before = await read_candidates(writing.connection, EVERYTHING_VISIBLE, [found[1]]) if found else []
        if before and is_replaced(parse(before[0].stored.body)):
            text = "A merge is not taken back by a feed; the secretariat can part the two"
            raise MethodNotAllowed(text, f"{change.path}.link", allowed=("POST",))

    def _is_fed(self, reference: Mapping[str, object]) -> bool:
        """Return whether a logical reference means a Patient of the same message."""
        return self._fed(reference.get("identifier")) is not None

    def _fed(self, identifier: object) -> Change | None:
        if not isinstance(identifier, dict):
            return None
        wanted = (identifier.get("system"), identifier.get("value"))
        for one in self._feed.changes:
            stated = one.resource.get("identifier", ()) if one.type == "Patient" else ()
            if any((other.get("system"), other.get("value")) == wanted for other in stated):
                return one
        return None

    async def _name_patient(self, writing: Writing, change: Change) -> None:
        """Write the reference of a RelatedPerson to its Patient where the source names that by an identifier alone."""
        prepared = change.prepared
        patient = change.resource.get("patient", {})
        if prepared is None or "reference" in patient or "identifier" not in patient:
            return
        fed = self._fed(patient["identifier"])
        found = await known_patient(writing.connection, {"identifier": [patient["identifier"]]}, self._custodian)
        id_ = fed.id if fed is not None else found[0] if found is not None else ""
        if not id_:
            text = "No Patient of this site has this identifier"
            place = f"{change.path}.patient.identifier"
            raise Unprocessable(text, issues=[Issue("error", "not-found", place, text)])
        tree = read(prepared.body)
        tree["patient"] = {"reference": f"Patient/{id_}", **tree["patient"]}
        body = write(tree)
        received = prepared.body if prepared.received is None else prepared.received
        change.prepared = replace(prepared, body=body, tree=parse(body), received=received)


async def feed(request: FhirRequest, envelope: Envelope) -> Response:
    """Carry out all changes of a message and answer with a message.

    Raises:
        FhirError: a part is missing or refused; nothing was written.
    """
    request.interaction, request.action = "message", "U"
    profiles = await request.hub.profiles(*(entry.resource or b"" for entry in envelope.entries))
    size = sum(len(entry.resource or b"") for entry in envelope.entries)
    found = await checked(request.hub, partial(read_feed, request, envelope, profiles), size)
    feeding = _Feeding(request, found)
    await committed(request, feeding.work)
    return answer(request, found, feeding.done)
