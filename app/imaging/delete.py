"""Deleting a study, a series or an instance: by its custodian, of its own copies alone.

The rows go, the ImagingStudy follows, the bytes are collected later. What is sent again is stored again, and hidden by
the labels that it had.
"""

from app.access.directory import find_organisation
from app.audit.record import Event
from app.imaging.description import describe_what_is_left
from app.imaging.events import Touched, imaging_events
from app.imaging.hold import hold
from app.imaging.imaging_study import clinical_date
from app.imaging.media.quarantine import drop_blob
from app.imaging.reports.filing import tells, withdraw_reports
from app.imaging.request import DicomRequest
from app.records.commit import committed
from app.records.response import PRIVATE, Response
from app.records.writing import Writing
from dicom.store.delete import delete_instances
from dicom.store.read import InstanceRow, read_instances
from fhir.errors import Forbidden, NotFound
from fhir.store.categories import Category


async def remove(request: DicomRequest) -> Response:
    """Delete the caller's own copies of what the address names.

    Raises:
        NotFound: there is nothing of that name for the caller.
        Forbidden: the role stores no images, or all of it is in other sites' custody.
    """
    if not request.authority.may_write(Category.IMAGING):
        raise Forbidden("This role does not delete images")
    named = (request.study, request.series or None, request.instance or None)
    rows = await read_instances(request.record.connection, request.visibility, *named)
    if not rows:
        raise NotFound("There is no such study, series or instance")
    own = [row for row in rows if row.custodian == request.authority.custodian]
    if not own:
        raise Forbidden("It is in another site's custody")
    touched = dict.fromkeys(Touched(row.patient_key, row.custodian, row.study_instance_uid) for row in own)

    async def work(writing: Writing) -> None:
        await _delete(writing, own)

    async def told(_: None, __: Writing) -> list[Event]:
        return await imaging_events(request, touched, 204)

    await committed(request, work, told)
    await request.hub.held.forget(own)
    return Response(204, b"", [PRIVATE])


async def _delete(writing: Writing, rows: list[InstanceRow]) -> None:
    request, connection = writing.request, writing.connection
    site = await find_organisation(connection, request.authority.custodian_slug)
    # As storing does: one after the other.
    await hold(connection, site.key)
    gone = await delete_instances(connection, rows, now=request.now, dated=clinical_date)
    for patient_key, study in gone.studies:
        await describe_what_is_left(writing, site, study, patient_key, rows[0].study_instance_uid)
    await withdraw_reports(writing, [row.id for row in rows if tells(row.sop_class_uid)])
    for digest, uid in gone.blobs:
        # Bytes are those of one instance; but a disc in quarantine may hold them too.
        await drop_blob(connection, site.key, digest, uid)
