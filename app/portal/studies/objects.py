"""An instance that is no image, on a page of its own: a report, key images, a file within, a waveform.

`/studies/{StudyInstanceUID}/objects/{SOPInstanceUID}`; a file is shown as the attachments of documents are, or saved as
it came.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.imaging.reports.study import Object, Study, dicom_request, octets_of, read_object
from app.portal.attachments.answers import drawn, embedded_in, file_answer, picture_answer
from app.portal.attachments.mfer import Lead
from app.portal.attachments.shown import Attachment, read_attachment
from app.portal.attachments.subject import differences
from app.portal.attachments.waveform import Trace, trace
from app.portal.file import file_of
from app.portal.gate import Visit, view
from app.portal.page import Page
from app.portal.people import body_of
from app.portal.sites import read_sites
from app.portal.studies.doses import dose_rows, events_csv
from app.portal.studies.page import patient_of, people_of, study_of, uid_in
from app.portal.studies.shown import (
    Picture,
    doses_of,
    pictures_of,
    shown_object,
    shown_quantity,
    state_of,
    when_of,
)
from dicom.reports.content import Report, read_report
from dicom.reports.dose import read_dose
from dicom.reports.encapsulated import DOCUMENT_TAG, read_encapsulated, unpadded
from dicom.reports.key_images import key_images
from dicom.reports.kinds import Kind
from dicom.reports.lines import Line, lines
from dicom.reports.waveform import WAVEFORM_DATA, Channel, read_channels
from fhir.errors import NotFound
from fhir.store.stored import Stored

TREES = (Kind.REPORT, Kind.DOSE, Kind.KEY_IMAGES)
"""The kinds that have a content tree."""


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of a report with the images that it names."""

    line: Line
    pictures: Sequence[Picture]


def _address(one: Object) -> str:
    return f"/studies/{one.row.study_instance_uid}/objects/{one.row.sop_instance_uid}"


async def _object(visit: Visit) -> Object:
    request = dicom_request(visit.fhir, uid_in(visit.web, "study"))
    request.instance = uid_in(visit.web, "instance")
    return await read_object(request)


async def _file(visit: Visit, one: Object) -> bytes:
    """Return the file in an instance as it came.

    Raises:
        NotFound: there is none.
    """
    if one.kind is not Kind.DOCUMENT:
        raise NotFound("There is no file in this instance")
    request = dicom_request(visit.fhir, one.row.study_instance_uid)
    return unpadded(await octets_of(request, one, DOCUMENT_TAG), read_encapsulated(one.model).length)


async def _attachment(visit: Visit, one: Object, patient: Stored | None) -> Attachment:
    """Return the file in an instance as a page shows it, and whether it tells of another person."""
    found = read_encapsulated(one.model)
    shown = Attachment(0, found.title or found.media_type, found.media_type)
    try:
        octets = await _file(visit, one)
    except NotFound:
        return replace(shown, is_absent=True)
    shown = await asyncio.to_thread(read_attachment, shown, octets, "utf-8", f"{_address(one)}/content/0")
    return shown if patient is None else replace(shown, differs=differences(shown.told, body_of(patient)))


async def _traces(visit: Visit, one: Object) -> list[Trace]:
    """Return the channels of a waveform as they are drawn; none of one that is not drawn."""
    try:
        samples = await octets_of(dicom_request(visit.fhir, one.row.study_instance_uid), one, WAVEFORM_DATA)
    except NotFound:
        return []
    return await asyncio.to_thread(lambda: [trace(_lead(each)) for each in read_channels(one.model, samples)])


def _lead(channel: Channel) -> Lead:
    if channel.unit == "uV":
        return Lead(channel.name, "mV", channel.seconds, channel.values / 1000)
    return Lead(channel.name, channel.unit, channel.seconds, channel.values)


def _of_report(study: Study, one: Object, report: Report) -> dict[str, Any]:
    found: dict[str, Any] = {
        "state": state_of(report) if one.kind is Kind.REPORT else "",
        "observers": [
            (each.name, each.organization, when_of(each.instant[:8], each.instant[8:14])) for each in report.verified_by
        ],
        "predecessors": [uid for uid in report.predecessors if uid in study.rows],
        "is_cut": report.is_cut,
        "when": when_of(report.date, report.time),
        "title": report.title,
    }
    if one.kind is Kind.DOSE:
        dose = read_dose(report)
        found |= {"dose": dose, "events": dose_rows(dose), "quantity": shown_quantity}
    if one.kind is Kind.KEY_IMAGES:
        found["pictures"] = pictures_of(study, key_images(report).references)
    return found | {"lines": [ShownLine(line, pictures_of(study, line.references)) for line in lines(report)]}


_EMPTY: Mapping[str, Any] = {
    "state": "",
    "observers": (),
    "predecessors": (),
    "is_cut": False,
    "dose": None,
    "events": None,
    "pictures": (),
    "lines": (),
    "file": None,
    "traces": (),
    "quantity": shown_quantity,
}


async def object_page(request: Request) -> Response:
    """Show an instance that is no image."""

    async def work(visit: Visit) -> Page:
        uid = uid_in(request, "instance")
        study = await study_of(visit)
        one = next((each for each in study.objects if each.row.sop_instance_uid == uid), None)
        one = one or await _object(visit)
        if one.kind is Kind.IMAGE:
            raise NotFound("Images are looked at in the viewer")
        patient = await patient_of(visit, one.row.patient_key)
        values: dict[str, Any] = {**_EMPTY, "shown": shown_object(one)}
        values |= {"title": values["shown"].title, "when": values["shown"].when}
        if one.kind in TREES:
            values |= _of_report(study, one, read_report(one.model))
        elif one.kind is Kind.DOCUMENT:
            values["file"] = await _attachment(visit, one, patient)
        elif one.kind is Kind.WAVEFORM:
            values["traces"] = await _traces(visit, one)
        people = people_of(visit, patient)
        more = {
            "uid": one.row.study_instance_uid,
            "custodian": one.row.custodian,
            "address": _address(one),
            "people": people,
            "patient_id": people[0].id if people else "",
            "sites": await read_sites(visit.hub),
        }
        return Page("study_object.html", values | more)

    return await view(request, "timeline", work, interaction="read", action="R")


async def object_file(request: Request) -> Response:
    """Answer the file in an instance as it came; with `?save` always as a file to save."""

    async def work(visit: Visit) -> Response:
        one = await _object(visit)
        found = read_encapsulated(one.model)
        saved = "save" in request.query_params
        return file_answer(await _file(visit, one), found.title, found.media_type, saved=saved)

    return await view(request, "timeline", work, interaction="read", action="R")


async def object_picture(request: Request) -> Response:
    """Answer a picture in a CDA document in an instance, drawn anew."""

    async def work(visit: Visit) -> Response:
        one = await _object(visit)
        octets = await _file(visit, one)
        number: int = request.path_params["picture"]
        made = await asyncio.to_thread(drawn, octets, read_encapsulated(one.model).media_type, number)
        return picture_answer(*made)

    return await view(request, "timeline", work, interaction="read", action="R")


async def object_embedded(request: Request) -> Response:
    """Answer a file in a CDA document in an instance, as it was sent."""

    async def work(visit: Visit) -> Response:
        one = await _object(visit)
        octets = await _file(visit, one)
        title, saved = read_encapsulated(one.model).title, "save" in request.query_params
        return await embedded_in(
            octets, read_encapsulated(one.model).media_type, request.path_params["file"], title, saved=saved
        )

    return await view(request, "timeline", work, interaction="read", action="R")


async def study_doses_csv(request: Request) -> Response:
    """Answer the events of the dose reports of a study as a file."""

    async def work(visit: Visit) -> Response:
        return file_of("doses", events_csv((one.uid, one.dose) for one in doses_of(await study_of(visit))))

    return await view(request, "timeline", work, interaction="read", action="R")
