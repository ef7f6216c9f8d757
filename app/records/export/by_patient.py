"""An export that is organised by Patient: a block for each, with a header, the Patient, and what is about it.

A block is of one site's Patient; a person with two has two. What belongs to no patient is in no block.
https://hl7.org/fhir/uv/bulkdata/STU3/export.html#bulk-data-output-file-organization
"""

from app.records.export import making
from app.records.export.by_person import advance_phase, patients_of
from app.records.export.job import BY_PATIENT
from app.records.export.making import Making
from app.records.export.places import header
from app.records.query import read_query
from app.records.record import NEWEST
from app.records.request import FhirRequest
from fhir.store.walk import Span


class Blocks:
    """The blocks of one export. The place is the row of the Patient before this block, then where in the block."""

    def __init__(self) -> None:
        self._done: set[int] = set()
        self._waiting: list[int] = []
        self._kept = -1

    async def know(self, export: Making) -> None:
        """Learn which Patients the steps before this one were about, after a restart."""
        for patient in (export.wanted.patients or ())[: export.step]:
            self._done |= await patients_of(await export.request(), patient)

    async def advance(self, export: Making, request: FhirRequest) -> None:
        """Look up the next places of a block.

        Raises:
            StaleCaller: rights have changed.
        """
        before, *place = export.place or (0,)
        row = await self._next(export, request, before)
        if row is None:
            export.end_step()
            return
        patient = await export.hub.patient_id(row)
        if not place or self._kept != export.kept:
            # Also where the block goes on in the next file.
            export.header = header(row)
        self._kept = export.kept
        if not place:
            await self._begin(export, request, patient)
        over = await advance_phase(export, request, patient, place, alone=True, file=BY_PATIENT)
        if over is None:
            self._waiting.pop(0)
            if export.wanted.patients is not None:
                self._done.add(row)
            export.place, export.continues = [row], False
        else:
            export.place, export.continues = [before, *over], export.header is None

    async def _begin(self, export: Making, request: FhirRequest, patient: str) -> None:
        """Hold the Patient itself, which comes first."""
        if "Patient" in export.wanted.types and "Patient" not in export.wanted.filters:
            own = await request.record.keys_of_person(
                patient, ["Patient"], Span(export.wanted.since), limit=1, before=NEWEST, alone=True
            )
            export.hold(own, BY_PATIENT)

    async def _next(self, export: Making, request: FhirRequest, before: int) -> int | None:
        """Return the row of the Patient whose block comes after `before`."""
        while self._waiting and self._waiting[0] <= before:
            self._waiting.pop(0)
        if self._waiting:
            return self._waiting[0]
        named = export.wanted.patients
        if named is None:
            every = read_query(export.hub, "Patient", [])
            rows = {key.row for key in await request.record.places(every, after_row=before, limit=making.KEYS)}
        else:
            rows = await patients_of(request, named[export.step])
        self._waiting = sorted(row for row in rows if row > before and row not in self._done)
        return self._waiting[0] if self._waiting else None
