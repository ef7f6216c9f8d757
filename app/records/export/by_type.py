"""An export of the whole hub, or of everything that belongs to patients: one type after the other."""

from app.records.export import making
from app.records.export.making import Making
from app.records.request import FhirRequest


async def advance_by_type(export: Making, request: FhirRequest) -> None:
    """Look up the next places of a type: the place in it is the last change and the row of the last one.

    Raises:
        StaleCaller: rights have changed.
    """
    wanted = export.wanted
    type_name, of_patients = wanted.types[export.step], wanted.level == "Patient"
    filters = wanted.filters.get(type_name)
    if filters:
        keys, row = await export.matches(request, type_name, filters, export.place[1] if export.place else 0, False)
        # At the level of patients only what belongs to one is part of the export.
        export.hold([key for key in keys if key.patient_key or not of_patients], type_name)
        export.place = [0, row or 0]
        ended = row is None
    else:
        after = (export.place[0], export.place[1]) if export.place else (wanted.since, 0)
        keys, last = await request.record.keys_of_type(
            type_name, of_patients=of_patients, after=after, window=making.KEYS
        )
        export.hold(keys, type_name)
        export.place = list(last or ())
        ended = last is None
    if ended:
        export.end_step()
