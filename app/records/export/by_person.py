"""An export of some persons: of each all that is about the person, over all sites, page by page."""

from collections.abc import Sequence

from app.records.export import making
from app.records.export.making import Making
from app.records.record import NEWEST
from app.records.request import FhirRequest
from fhir.store.walk import Span


async def patients_of(request: FhirRequest, patient: str) -> set[int]:
    """Return the rows of the Patients that are the same person and exist for the client."""
    keys = await request.record.keys_of_person(patient, ["Patient"], Span(), limit=making.KEYS, before=NEWEST)
    return {key.row for key in keys}


class Persons:
    """The persons whose step is over: one who is named twice comes once."""

    def __init__(self) -> None:
        self._rows: set[int] = set()

    async def know(self, export: Making) -> None:
        """Learn whom the steps before this one were about, after a restart."""
        for patient in (export.wanted.patients or ())[: export.step]:
            self._rows |= await patients_of(await export.request(), patient)

    async def advance(self, export: Making, request: FhirRequest) -> None:
        """Look up the next places of a person.

        The place is a phase, and where in it: in phase 0 the clinical date and row of the last one of the types
        without a filter, in each further phase the row of the last match of a type with one.

        Raises:
            StaleCaller: rights have changed.
        """
        patient = (export.wanted.patients or ())[export.step]
        rows = await patients_of(request, patient)
        if not rows or (not export.place and rows & self._rows):
            export.end_step()
            return
        place = await advance_phase(export, request, patient, export.place, alone=False)
        if place is None:
            export.end_step()
            self._rows |= rows
        else:
            export.place = place


async def advance_phase(
    export: Making, request: FhirRequest, patient: str, place: Sequence[int], *, alone: bool, file: str | None = None
) -> list[int] | None:
    """Look up the next places of a Patient and return where to go on; None when there is no more.

    Args:
        export: Whose places they are.
        request: In the name of the client.
        patient: The Patient's id.
        place: A phase, and where in it; empty at the beginning.
        alone: Whether the Patient stands for itself, not for the person.
        file: What the file is called, when not by the type.
    """
    wanted, (phase, order, row) = export.wanted, place or (0, *NEWEST)
    if phase == 0:
        # In a block the Patient itself comes first, and is there already.
        plain = [name for name in wanted.types if name not in wanted.filters and not (alone and name == "Patient")]
        if plain:
            keys = await request.record.keys_of_person(
                patient, plain, Span(wanted.since), limit=making.KEYS, before=(order, row), alone=alone
            )
            export.hold(keys, file)
            if len(keys) == making.KEYS:
                return [0, keys[-1].order, keys[-1].row]
    else:
        type_name = sorted(wanted.filters)[phase - 1]
        filters = [[*pairs, ["patient", f"Patient/{patient}"]] for pairs in wanted.filters[type_name]]
        keys, end = await export.matches(request, type_name, filters, row, alone)
        export.hold(keys, type_name if file is None else file)
        if end is not None:
            return [phase, 0, end]
    return [phase + 1, 0, 0] if phase < len(wanted.filters) else None
