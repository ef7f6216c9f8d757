"""What the instances of the past say, filed as their arrival would have done: before the hub did so, or did otherwise.

A run begins where an interrupted one stopped. Nothing is made twice, for a resource has the row number of its instance.
"""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import NamedTuple

import orjson
from sqlalchemy import BigInteger, Integer, bindparam, or_, select

from app.access import epoch
from app.access.directory import Organisation, organisations
from app.audit.record import Event
from app.db import Database
from app.hub import Hub
from app.imaging.hold import hold
from app.imaging.reports.filing import Told, file_reports
from app.imaging.reports.follow import TELLING, follow_study
from app.imaging.reports.resources import MAPPING
from app.records.commit import committed
from app.records.events import events
from app.records.inside import attempted, inside_request
from app.records.writing import Writing
from dicom.model_facts import facts_of
from dicom.store.tables import dicom_instance, dicom_study
from fhir.errors import Conflict

BATCH = 20
"""Studies that are read at once; each is filed in a transaction of its own."""

MADE = "imaging reports version"
"""The counter that says by which `MAPPING` all that is stored was made at least; 0 when a run is still to come."""

_MARKS = ("imaging reports patient", "imaging reports study")
"""The counters that say where a run is: patient key and row of the study that was done last."""

_PATIENT, _ROW = bindparam("at_patient", type_=BigInteger), bindparam("at_row", type_=BigInteger)
_PAGE = (
    select(dicom_study.c.custodian, dicom_study.c.patient_key, dicom_study.c.id)
    .where(
        or_(
            dicom_study.c.patient_key > _PATIENT,
            (dicom_study.c.patient_key == _PATIENT) & (dicom_study.c.id > _ROW),
        )
    )
    .order_by(dicom_study.c.patient_key, dicom_study.c.id)
    .limit(bindparam("count", type_=Integer))
)
_MODELS = select(dicom_instance.c.id, dicom_instance.c.model).where(
    dicom_instance.c.patient_key == bindparam("patient", type_=BigInteger),
    dicom_instance.c.study == bindparam("row", type_=BigInteger),
    dicom_instance.c.source.is_(None),
    TELLING,
)
_ANY = select(dicom_instance.c.id).limit(1)


class Filed(NamedTuple):
    """Studies that are done."""

    studies: int
    made: int
    """Resources that were missing."""
    changed: int
    """Resources that said something else."""


async def file_past(hub: Hub, *, again: bool) -> AsyncIterator[Filed]:
    """File what the instances of all studies say, and yield what became of each batch.

    What is there stays as it is, but for its orders; it is made anew when an older mapping made it. What its site has
    deleted stays deleted.

    Args:
        hub: The running hub.
        again: Whether to begin anew, and to make anew what is there.

    Raises:
        Conflict: somebody else writes the same again and again.
        DatabaseUnavailable: the rights of callers keep changing, or the database is gone.
    """
    remake = again or await epoch.value(hub.database.reader, MADE) not in (0, MAPPING)
    sites = {one.key: one for one in await organisations(hub.database.reader)}
    patient, row = [0 if again else await epoch.value(hub.database.reader, one) for one in _MARKS]
    if (patient, row) == (0, 0):
        patient = row = -(2**63)
    while True:
        values = {"at_patient": patient, "at_row": row, "count": BATCH}
        studies = await hub.database.reader.fetch(_PAGE, values)
        if not studies:
            break
        made = changed = 0
        for custodian, some in groupby(studies, key=lambda one: int(one[0])):
            done = await _file(hub, sites[custodian], [(one[1], one[2]) for one in some], remake=remake)
            made, changed = made + done.made, changed + done.changed
        patient, row = studies[-1][1:]
        await _mark(hub.database, patient, row)
        yield Filed(len(studies), made, changed)
    await _mark(hub.database, 0, 0, MAPPING)


async def _mark(database: Database, patient: int, row: int, version: int | None = None) -> None:
    async with database.write() as connection:
        for name, value in zip(_MARKS, (patient, row), strict=True):
            await epoch.set_value(connection, name, value)
        if version is not None:
            await epoch.set_value(connection, MADE, version)


async def _file(hub: Hub, site: Organisation, studies: Sequence[tuple[int, int]], *, remake: bool) -> Filed:
    """File what is to be filed of studies of a site, under the gate, in its name."""

    async def work(writing: Writing) -> Filed:
        await hold(writing.connection, site.key)
        for patient_key, row in studies:
            await _file_study(writing, patient_key, row, remake=remake)
        new = [one for one in writing.written if one.version == 1 and one.type != "Provenance"]
        return Filed(len(studies), len(new), sum(one.version > 1 for one in writing.written))

    async def attempt() -> Filed:
        request = await inside_request(hub, site, "POST", "/fhir/")
        request.interaction, request.action = "update", "U"

        async def tell(_: Filed, writing: Writing) -> list[Event]:
            return await events(request, writing.written, 200, writing.connection) if writing.written else []

        return await committed(request, work, tell)

    return await attempted(attempt, also=(Conflict,))


async def _file_study(writing: Writing, patient_key: int, row: int, *, remake: bool) -> None:
    rows = await writing.connection.fetch(_MODELS, {"patient": patient_key, "row": row})
    found = [Told(id_, facts_of(orjson.loads(model)), bytes(model)) for id_, model in rows]
    if found:
        subject = f"Patient/{await writing.request.hub.patient_id(patient_key)}"
        await file_reports(writing, row, subject, patient_key, found, remake=remake)
    await follow_study(writing, patient_key, row)


async def is_due(database: Database) -> bool:
    """Return whether there may be instances of which an older release has made nothing, or something else."""
    return await epoch.value(database.reader, MADE) != MAPPING


async def note_mapping(database: Database) -> None:
    """Note that a hub without images has nothing that an older release made of them."""
    if await is_due(database) and not await database.reader.fetch(_ANY, {}):
        async with database.write() as connection:
            await epoch.set_value(connection, MADE, MAPPING)
