"""What key objects say of a study's images: which are marked, and which a rejection note says not to use (IHE IOCM).

They are asked each time: a note counts whether it came before or after what it rejects, and no longer when it is
deleted. See docs/decisions/0060-rejected-images.md.
"""

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from app.imaging.found import models_of_class
from app.imaging.one_person import of_persons
from app.imaging.request import DicomRequest
from app.imaging.sources.describe import with_headers
from app.imaging.sources.failures import SourceFailed
from dicom.reports.content import read_report
from dicom.reports.key_images import SHOWN_ON_REQUEST, KeyImages, key_images
from dicom.reports.kinds import KEY_OBJECT_SELECTION
from dicom.store.read import InstanceRow, read_listed


class Selection(NamedTuple):
    """A key object."""

    patient_key: int
    custodian: int
    images: KeyImages


async def read_selections(request: DicomRequest) -> list[Selection]:
    """Return the key objects of the request's study that exist for its caller; manifests are among them.

    That they are looked at is recorded. Those that are only at a site which does not give them now say nothing.
    """
    rows = await models_of_class(request, KEY_OBJECT_SELECTION)
    try:
        found = await with_headers(request, rows)
    except SourceFailed:
        found = [one for one in rows if one.source is None]
    return [
        Selection(one.patient_key, one.custodian, key_images(read_report(orjson.loads(one.model)))) for one in found
    ]


def rejected_by(selections: Iterable[KeyImages]) -> dict[str, str]:
    """Return the instances that notes reject, with the code of the document title (CID 7011).

    Of several reasons the one counts that hides an image altogether.
    """
    found: dict[str, str] = {}
    for one in selections:
        for reference in one.references if one.is_rejection else ():
            if found.get(reference.sop_instance_uid, SHOWN_ON_REQUEST) == SHOWN_ON_REQUEST:
                found[reference.sop_instance_uid] = one.title.value
    return found


async def places(request: DicomRequest) -> dict[str, str]:
    """Return the SeriesInstanceUID of each instance of the request's study that exists for its caller."""
    rows = await read_listed(request.record.connection, request.visibility, request.study)
    return {one.sop_instance_uid: one.series_instance_uid for one in rows}


async def rejected(request: DicomRequest, rows: Iterable[InstanceRow]) -> dict[str, str]:
    """Return the instances that notes of the request's study reject, as `rejected_by` does.

    Args:
        request: The request.
        rows: The instances; a note about another person, whose study has the same UID, says nothing of them.
    """
    selections = await read_selections(request)
    meant = await of_persons(request.hub.database.reader, selections, {row.patient_key for row in rows})
    return rejected_by(one.images for one in meant)
