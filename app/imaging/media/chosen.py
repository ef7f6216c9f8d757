"""The instances of studies that somebody wants as a disc."""

from collections.abc import Iterable

from app.db import DatabaseConnection
from app.imaging.events import Touched, imaging_events
from app.imaging.found import one_copy
from app.imaging.media.media_set import check_size
from app.imaging.one_person import of_persons
from app.records.request import Request
from dicom.store.connection import Visibility
from dicom.store.read import InstanceRow, read_instances


async def instances_of(
    connection: DatabaseConnection,
    visibility: Visibility,
    studies: Iterable[str],
    organisation: int,
    patient_key: int | None = None,
) -> list[InstanceRow]:
    """Return the visible instances of studies, one copy of each, the organisation's own where it has one.

    Args:
        connection: Where to look.
        visibility: What may be seen.
        studies: StudyInstanceUIDs.
        organisation: The caller's.
        patient_key: One of the Patients of the only person who is meant; another one's study may have the same UID.

    Raises:
        NotFound: there are none.
        TooLarge: they are too many for a disc.
    """
    found: list[InstanceRow] = []
    for uid in dict.fromkeys(studies):
        rows = await read_instances(connection, visibility, uid)
        if patient_key is not None:
            rows = await of_persons(connection, rows, [patient_key])
        found += one_copy(rows, organisation)
    check_size(found)
    return found


async def record_taken(request: Request, rows: Iterable[InstanceRow]) -> None:
    """Put it on record that instances are taken away: each time, where looking at a study has an episode.

    Raises:
        AuditUnavailable: it cannot be recorded.
    """
    touched = {Touched(row.patient_key, row.custodian, row.study_instance_uid) for row in rows}
    request.images_of.update((one.patient_key, one.custodian) for one in touched)
    await request.hub.audit.append(await imaging_events(request, sorted(touched), 200))


def by_patient(rows: Iterable[InstanceRow]) -> dict[int, list[str]]:
    """Return the studies of each patient among instances, by the patient's key."""
    found: dict[int, dict[str, None]] = {}
    for row in rows:
        found.setdefault(row.patient_key, {})[row.study_instance_uid] = None
    return {key: list(uids) for key, uids in found.items()}
