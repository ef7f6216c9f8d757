"""Makes exports ready beside the requests, one file after the other, in whichever process is free.

Where an export is lies in its row, in the transaction of each file: after a restart it goes on from there. Nothing is
disclosed here, for files hold places only; but what the client may see is decided anew at each step.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import orjson
from sqlalchemy import bindparam, insert

from app.blobs.tables import blob
from app.clock import instant
from app.hub import Hub
from app.records.export.job import EXPORTS, Wanted, files, remove, wanted_of
from app.records.export.places import Head, packed, packed_head
from app.records.export.tables import export_file
from app.records.jobs import run as jobs
from app.records.jobs.in_name import request_of
from app.records.jobs.queue import DONE, LASTS, WAITING, Step
from app.records.jobs.run import Held, Lost, work_through
from app.records.query import read_query
from app.records.record import NEWEST, StaleCaller
from app.records.request import FhirRequest
from app.records.terminology.search import with_terms
from fhir.store.types import NAMES
from fhir.store.walk import Key, Span

KEYS = 2_000
"""Places that one statement looks up."""

FILE_PLACES = 200_000
"""The most resources of a file; five megabytes of places are held at once."""

_ADD_FILE = insert(export_file).values({column.name: bindparam(f"n_{column.name}") for column in export_file.columns})


class _Making:
    """One export that is being made ready.

    Its steps are the types of the whole hub, or the persons that are wanted. `position` is the step, and where in it.
    """

    def __init__(self, held: Held) -> None:
        self._held_job = held
        self._hub = held.hub
        self._job = held.job
        self._wanted: Wanted = wanted_of(held.job)
        position: list[int] = orjson.loads(held.job.position or "[0,0,0,0]")
        self._step, self._order, self._row, self._filter = position
        self._by_type: dict[str, list[Key]] = {}
        self._held = 0
        self._number = 0
        self._persons: set[int] = set()

    @property
    def _steps(self) -> int:
        return len(self._wanted.types if self._wanted.patients is None else self._wanted.patients)

    async def run(self) -> None:
        """Make the rest of the export ready.

        Raises:
            Lost: it is not to be made any more, or not here.
        """
        self._number = len(await files(self._hub.database.reader, self._job.id))
        await self._know_persons()
        while self._step < self._steps:
            request = await request_of(self._hub, self._job, "/fhir/$export")
            try:
                await self._advance(request)
            except StaleCaller:
                # Rights have changed: what they are now is asked, and the same places are looked up again.
                continue
            if self._held >= FILE_PLACES or self._hub.clock() > self._held_job.until - LASTS // 2:
                await self._keep()
            # SQLite is read in the event loop: requests come first.
            await asyncio.sleep(0)
        await self._keep(state=DONE)

    async def _advance(self, request: FhirRequest) -> None:
        if self._wanted.patients is not None:
            await self._person(request, self._wanted.patients[self._step])
            self._step += 1
            return
        type_name = self._wanted.types[self._step]
        filters = self._wanted.filters.get(type_name)
        if filters:
            await self._filtered(request, type_name, filters[self._filter], len(filters))
            return
        after = (self._order, self._row) if self._row else (self._wanted.since, 0)
        keys, last = await request.record.keys_of_type(
            type_name, of_patients=self._wanted.level == "Patient", after=after, window=KEYS
        )
        self._hold(keys, type_name)
        self._order, self._row = last or (0, 0)
        self._step += last is None

    async def _filtered(
        self, request: FhirRequest, type_name: str, pairs: Sequence[Sequence[str]], filters: int
    ) -> None:
        """Look up the next matches of a filter; what an earlier filter of the type has found comes once."""
        found = await self._matches(request, type_name, pairs, self._row)
        # At the level of patients only what belongs to one is part of the export.
        self._hold([key for key in found if key.patient_key or self._wanted.level != "Patient"], type_name)
        if len(found) == KEYS:
            self._row = found[-1].row
            return
        self._filter, self._row = self._filter + 1, 0
        if self._filter == filters:
            self._step, self._filter = self._step + 1, 0

    async def _matches(
        self, request: FhirRequest, type_name: str, pairs: Sequence[Sequence[str]], after_row: int
    ) -> list[Key]:
        asked = [(name, text) for name, text in pairs]
        if self._wanted.since:
            asked.append(("_lastUpdated", f"ge{instant(self._wanted.since)}"))
        query = await with_terms(request, read_query(self._hub, type_name, asked))
        return await request.record.places(query, after_row=after_row, limit=KEYS)

    async def _know_persons(self) -> None:
        """Learn which persons the steps before this one were about, after a restart."""
        for patient in (self._wanted.patients or ())[: self._step]:
            self._persons |= await self._patients_of(await request_of(self._hub, self._job, "/fhir/$export"), patient)

    async def _patients_of(self, request: FhirRequest, patient: str) -> set[int]:
        """Return the rows of the Patients that are the same person and exist for the client."""
        return {
            key.row
            for key in await request.record.keys_of_person(patient, ["Patient"], Span(), limit=KEYS, before=NEWEST)
        }

    async def _person(self, request: FhirRequest, patient: str) -> None:
        patients = await self._patients_of(request, patient)
        if not patients or patients & self._persons:
            return
        plain, before = [name for name in self._wanted.types if name not in self._wanted.filters], NEWEST
        while plain:
            keys = await request.record.keys_of_person(
                patient, plain, Span(self._wanted.since), limit=KEYS, before=before
            )
            self._hold(keys)
            if len(keys) < KEYS:
                break
            before = (keys[-1].order, keys[-1].row)
        for type_name, filters in self._wanted.filters.items():
            for pairs in filters:
                of_patient = [*pairs, ["patient", f"Patient/{patient}"]]
                keys = await self._matches(request, type_name, of_patient, 0)
                while keys:
                    self._hold(keys, type_name)
                    keys = await self._matches(request, type_name, of_patient, keys[-1].row)
        self._persons |= patients

    def _hold(self, keys: Sequence[Key], type_name: str = "") -> None:
        for key in keys:
            self._by_type.setdefault(type_name or NAMES[key.type_number], []).append(key)
        self._held += len(keys)

    async def _keep(self, state: int = WAITING) -> None:
        """Keep what is held as files, and where the export is, in one transaction."""
        kept = []
        request = await request_of(self._hub, self._job, "/fhir/$export")
        custodian = request.caller.organisation
        for type_name, keys in sorted(self._by_type.items()):
            once = list({key.row: key for key in keys}.values())
            incoming = self._hub.blobs.incoming()
            try:
                incoming.write(packed_head(Head(self._job.id, self._number)))
                incoming.write(packed(once))
                digest = await self._hub.blobs.keep(custodian, incoming)
            finally:
                incoming.discard()
            kept.append((self._number, type_name, digest, len(once), incoming.size))
            self._number += 1
        now, held = self._hub.clock(), self._held_job
        position = orjson.dumps([self._step, self._order, self._row, self._filter]).decode()
        async with self._hub.database.write() as connection:
            step = Step(self._step, self._steps, position, state)
            if not await EXPORTS.advance(connection, self._job, held.until, now + LASTS, step):
                raise Lost
            for number, type_name, digest, count, size in kept:
                row = {"job": self._job.id, "number": number, "type": type_name, "custodian": custodian}
                row |= {"digest": digest, "count": count}
                await connection.insert(blob, [(custodian, digest, size, now)])
                await connection.execute(_ADD_FILE, {f"n_{name}": value for name, value in row.items()})
        held.until = now + LASTS
        self._by_type, self._held = {}, 0


async def run_waiting(hub: Hub) -> None:
    """Make ready every export that waits, and remove those that have expired."""

    async def make(held: Held) -> None:
        await _Making(held).run()

    await work_through(hub, EXPORTS, make, remove)


def start(hub: Hub) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return jobs.start(lambda: run_waiting(hub), hub.exports_wait, "exports")
