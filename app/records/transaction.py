"""transaction: all entries or none. https://hl7.org/fhir/R4/http.html#transaction."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import orjson

from app.audit.record import Event
from app.exchange.mhd.profiles import level_of
from app.exchange.mhd.provide import provide
from app.records.batch import written_entry
from app.records.checked import begun_again, checked
from app.records.commit import committed
from app.records.conditional import lock
from app.records.events import events
from app.records.meant import meant
from app.records.patch import apply_patch, lock_patched
from app.records.reads import Reads
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.steps import READS, Step, name_entry, steps
from app.records.update import check_version
from app.records.writing import Writing
from fhir.belonging import POINTERS
from fhir.envelope import Envelope
from fhir.errors import FhirError, Unprocessable
from fhir.resolve import resolve_internal
from fhir.store.stored import Stored

THREAD_ENTRIES = 50
"""From so many entries on, bodies are checked in a thread, so that other requests go on."""

_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2}
"""The order in which entries are carried out; reads come last, once all is written."""


def _turn(step: Step) -> tuple[bool, bool, bool, int]:
    """Return the place of an entry: Patients before those that refer to them, what points to others at the end."""
    return step.method != "DELETE", step.type in POINTERS, step.type != "Patient", _ORDER[step.method]


class _Transaction:
    """A transaction on its way.

    Attributes:
        done: What each entry wrote, or what its condition found; None for a deletion of nothing, and for a read.
    """

    def __init__(self, request: FhirRequest, envelope: Envelope, all_steps: list[Step]) -> None:
        self.request = request
        self.done: list[Stored | None] = [None] * len(all_steps)
        self.reads = Reads(request, envelope, [one.number for one in all_steps if one.method in READS])
        self._referred: list[Stored] = []
        self._entries = envelope.entries
        self._steps = all_steps
        self._writes = [one for one in all_steps if one.method not in READS]

    def _links(self, references: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
        """Return for each entry what its links become; `references` are those that are queries."""
        assigned = [one.reference for one in self._steps]
        resolved = resolve_internal(self._entries, assigned)
        if resolved.issues:
            raise Unprocessable("A reference means no entry", issues=resolved.issues)
        if not references:
            return resolved.links
        return [{**links, **references} for links in resolved.links]

    async def _one(self, writing: Writing, step: Step, links: Mapping[str, str]) -> Stored | None:
        if step.found and step.method == "POST":
            return self.done[step.number]
        if step.method == "DELETE" and step.query is not None:
            return self.done[step.number]
        if step.patch is not None:
            stored, _ = await apply_patch(
                *(writing, step.type, step.id, step.patch), wanted=step.if_match, references=links, path=step.path
            )
            return stored
        await check_version(writing, step.type, step.id, step.if_match, "d" if step.prepared is None else "u")
        if step.prepared is None:
            return await writing.delete(step.type, step.id)
        if step.row:
            return await writing.create(
                step.prepared, row=step.row, id_=step.id, method=step.creates_by, references=links, path=step.path
            )
        new_only = step.query is not None and not step.found
        return await writing.update(step.prepared, step.id, references=links, path=step.path, new_only=new_only)

    async def work(self, writing: Writing) -> list[Stored | None]:
        """Gather what the entries write."""
        conditional = [one for one in self._writes if one.query is not None]
        if conditional:
            await lock(writing.connection, self.request, [one.type for one in conditional])
        referred = await meant(writing, self._steps, conditional, self.done)
        self._referred = list(referred.values())
        links = self._links({link: f"{one.type}/{one.id}" for link, one in referred.items()})
        # From here on each step holds the bytes of its own entry, and gives them back when it is done.
        self._entries = ()
        for step in self._writes:
            if step.type == "Patient" and step.row:
                writing.announce_patient(step.id, step.row)
        # In one order for all transactions, so that no two of them wait for each other.
        await lock_patched(writing, [(one.type, one.id) for one in self._writes if one.patch is not None])
        for step in sorted(self._writes, key=_turn):
            try:
                self.done[step.number] = await self._one(writing, step, links[step.number])
            except FhirError as error:
                name_entry(error, step.number)
                raise
            step.prepared = None
        return self.done

    async def tell(self, _: object, writing: Writing) -> list[Event]:
        """Return the events: of what was written, what conditions found, and what was read."""
        written = {(one.row, one.version) for one in writing.written}
        noted = [one for one in (*self.done, *self._referred) if one is not None]
        found = [one for one in noted if (one.row, one.version) not in written]
        told = await events(self.request, [*writing.written, *found], 200, writing.connection)
        return told + await self.reads.events(writing.connection)

    def parts(self) -> dict[int, bytes]:
        """Return the answers to the entries that write, by their numbers, without what was written."""
        return {step.number: _entry(self.request, step, self.done[step.number], whole=False) for step in self._writes}

    def answer(self) -> bytes:
        """Return the Bundle of responses."""
        whole = b"return=representation" in self.request.headers.get(b"prefer", b"")
        parts = []
        for step in self._steps:
            read = self.reads.answers.get(step.number)
            parts.append(read if read is not None else _entry(self.request, step, self.done[step.number], whole))
        head = b'{"resourceType":"Bundle","type":"transaction-response"'
        return head + (b',"entry":[' + b",".join(parts) + b"]}" if parts else b"}")


def _entry(request: FhirRequest, step: Step, stored: Stored | None, whole: bool) -> bytes:
    if stored is None:
        return orjson.dumps({"response": {"status": "204"}})
    response = written_entry(request, [stored], "200" if step.found and not stored.deleted else "")
    if not whole or stored.deleted:
        return response
    address = f"{request.hub.settings.address}/fhir/{stored.type}/{stored.id}"
    return orjson.dumps({"fullUrl": address})[:-1] + b',"resource":' + stored.body + b"," + response[1:]


async def transaction(request: FhirRequest, envelope: Envelope) -> Response:
    """Carry out all entries of a transaction, or none of them; one that provides documents is MHD's.

    Raises:
        FhirError: an entry is refused; the expression names it, nothing was written.
    """
    level = level_of(envelope.head)
    if level is not None:
        return await provide(request, envelope, level)
    request.interaction = "transaction"
    profiles = await request.hub.profiles(*(entry.resource or b"" for entry in envelope.entries))
    check = partial(steps, request, envelope, profiles)
    if len(envelope.entries) < THREAD_ENTRIES:
        found = await checked(request.hub, check, sum(len(entry.resource or b"") for entry in envelope.entries))
    else:
        found = await asyncio.to_thread(check)
    # Bodies are held by the steps alone.
    del check
    if not found:
        return fhir_response(b'{"resourceType":"Bundle","type":"transaction-response"}')
    if any(one.patch is not None for one in found):
        return await begun_again(request.hub, partial(_with_patches, request, envelope, found))
    under_way = _Transaction(request, envelope, found)
    del envelope, found
    return await _carried_out(request, under_way)


async def _with_patches(request: FhirRequest, envelope: Envelope, found: Sequence[Step]) -> Response:
    """Carry out steps that are still needed, should it begin again: what a patch makes is checked inside."""
    return await _carried_out(request, _Transaction(request, envelope, [replace(one) for one in found]))


async def _carried_out(request: FhirRequest, under_way: _Transaction) -> Response:
    # Who keeps the answer for later keeps no bodies: reads are done when it is fetched.
    reads = under_way.reads.read if request.settle is None else None
    await committed(request, under_way.work, under_way.tell, before_commit=reads, parts=under_way.parts)
    if request.settle is not None:
        return Response(200)
    return fhir_response(under_way.answer())
