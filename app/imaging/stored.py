"""Instances whose bytes are durable, stored in one transaction with their audit record; by any door.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
"""

from app.audit.record import Event
from app.imaging.events import imaging_events
from app.imaging.filing import Filed, file_instances
from app.imaging.keep import Received
from app.imaging.request import DicomRequest
from app.imaging.sources.manifests import referred_to, without_references
from app.records.commit import committed
from app.records.record import StaleCaller
from app.records.writing import Writing
from fhir.errors import Forbidden
from fhir.store.categories import Category

MOST_ATTEMPTS = 5
"""Rights may change, of anybody, while the last bytes are on their way."""


async def stored(request: DicomRequest, received: list[Received]) -> Filed:
    """Return what became of the instances once all of it is durable.

    Raises:
        StaleCaller: the caller's rights changed again and again.
    """
    references = await referred_to(request.hub, request.authority.custodian, received)

    async def work(writing: Writing) -> Filed:
        return await file_instances(writing, [*received, *references])

    async def told(filed: Filed, _: Writing) -> list[Event]:
        return await imaging_events(request, filed.touched, 200)

    custodian = request.authority.custodian
    for _ in range(MOST_ATTEMPTS):
        # The body took its time, and is not to be sent again because somebody, somewhere, gave a consent.
        await request.renew()
        if not request.authority.may_write(Category.IMAGING) or request.authority.custodian != custodian:
            raise Forbidden("The right to store images was withdrawn")
        try:
            filed = await committed(request, work, told)
        except StaleCaller:
            continue
        if references:
            filed.stored, filed.failures = without_references(filed.stored, filed.failures, references)
        return filed
    raise StaleCaller
