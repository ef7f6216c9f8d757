"""Images that a rejection note says not to use (IHE Imaging Object Change Management), as whoever looks may know it.

A note is an instance like any other, and is asked each time: it counts whether it came before or after what it rejects,
and no longer when it is deleted. See docs/decisions/0060-rejected-images.md.
"""

import orjson

from app.imaging.request import DicomRequest
from dicom.reports.key_images import SHOWN_ON_REQUEST, rejected_instances
from dicom.reports.kinds import KEY_OBJECT_SELECTION
from dicom.store.read import read_models


async def rejected(request: DicomRequest) -> dict[str, str]:
    """Return the instances that notes of the request's study reject, with the code of the document title (CID 7011).

    Of several reasons the one counts that hides it altogether.
    """
    notes = await read_models(
        request.record.connection, request.visibility, request.study, sop_class_uid=KEY_OBJECT_SELECTION
    )
    found: dict[str, str] = {}
    for one in notes:
        title, instances = rejected_instances(orjson.loads(one.model))
        for uid in instances:
            if found.get(uid, SHOWN_ON_REQUEST) == SHOWN_ON_REQUEST:
                found[uid] = title
    return found
