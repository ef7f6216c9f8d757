"""Studies of a patient, as a disc to give away: a ZIP of what the caller may see."""

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.imaging.media.chosen import instances_of, record_taken
from app.imaging.media.door import INTERACTION, ZIP
from app.imaging.media.media_set import Wanted, media_set
from app.portal.gate import Visit, view
from app.portal.page import HEADERS
from dicom.values import is_uid
from fhir.errors import InvalidValue

MOST_STUDIES = 50
"""Of one disc."""


async def images_zip(request: Request) -> Response:
    """Give the studies that the address names."""

    async def work(visit: Visit) -> Response:
        uids = list(dict.fromkeys(visit.web.query_params.getlist("study")))
        if len(uids) > MOST_STUDIES or not all(is_uid(uid) for uid in uids):
            raise InvalidValue("These are no studies, or too many", "study")
        fhir = visit.fhir
        patient = visit.web.query_params.get("patient", "")
        # Whoever is given the disc gets nobody else's images, though UIDs be the same.
        key = (await fhir.record.read("Patient", patient)).patient_key if patient else None
        rows = await instances_of(fhir.record.connection, fhir.visibility, uids, visit.caller.organisation, key)
        await record_taken(fhir, rows)
        fhir.recorded = True
        wanted = Wanted(rows, thumbnails=True)
        named = {**HEADERS, "content-disposition": 'attachment; filename="images.zip"'}
        return StreamingResponse(media_set(visit.hub, wanted), 200, named, ZIP)

    return await view(request, "timeline", work, interaction=INTERACTION, action="R")
