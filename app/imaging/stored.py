"""Instances whose bytes are durable, stored in one transaction with their audit record; by any door.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
"""

from collections.abc import Awaitable, Callable, Sequence

from app.audit.record import Event
from app.imaging.events import storing_events
from app.imaging.filing import Filed, file_instances
from app.imaging.hold import hold
from app.imaging.keep import Received
from app.imaging.media.review import INTERACTION as REVIEW
from app.imaging.request import DicomRequest
from app.imaging.sources.manifests import referred_to, without_references
from app.records.commit import committed
from app.records.events import common
from app.records.record import StaleCaller
from app.records.writing import Writing
from fhir.errors import Forbidden
from fhir.store.categories import Category

MOST_ATTEMPTS = 5
"""Rights may change, of anybody, while the last bytes are on their way."""

IN_REVIEW = "kept for review: of another patient than its study here"
"""What a sender is told of an instance that waits for a person, as an Error Comment: at most 64 characters."""

MOST_NAMED = 5
"""Files that a note names."""


def _polyglots(event: Event, received: Sequence[Received]) -> str | None:
    """Return, for those who read the log, which files of an event's studies are another kind of file as well."""
    also = [one for one in received if one.also]
    found = [
        f"{one.sop_instance_uid} begins as {one.also}"
        for one in also
        if f"urn:oid:{one.extracted.facts.study.study_instance_uid}" in event.entities
    ]
    more = len(found) - MOST_NAMED
    return "; ".join([*found[:MOST_NAMED], f"and {more} more"] if more > 0 else found) or None


async def _reviews(request: DicomRequest, filed: Filed) -> list[Event]:
    """Return the events of what is kept for review, one for each entry that has grown."""
    custodian = await request.hub.organisation_reference(request.authority.custodian)
    members = common(request, 200) | {"interaction": REVIEW, "action": "C", "custodian": custodian}
    return [
        Event(**members, description=f"Review {number}: {count} images wait")
        for number, count in filed.reviews.items()
        if count
    ]


Still = Callable[[Writing, list[Received]], Awaitable[list[Received]]]
"""Returns which instances are still to be stored, asked in the transaction that nobody of the site shares."""


async def stored(
    request: DicomRequest, received: list[Received], *, more_to_come: bool = False, still: Still | None = None
) -> Filed:
    """Return what became of the instances once all of it is durable.

    Args:
        request: Of whoever stores them.
        received: The instances.
        more_to_come: As for `file_instances`.
        still: Which of them; nothing is then referred to by a manifest among them. All of them, when None.

    Raises:
        StaleCaller: the caller's rights changed again and again.
    """
    references = [] if still else await referred_to(request.hub, request.authority.custodian, received)

    async def work(writing: Writing) -> Filed:
        if still is None:
            return await file_instances(writing, [*received, *references], more_to_come=more_to_come)
        await hold(writing.connection, request.authority.custodian)
        return await file_instances(writing, await still(writing, received), more_to_come=more_to_come)

    async def told(filed: Filed, writing: Writing) -> list[Event]:
        told = await storing_events(request, filed.touched, writing)
        told = [one._replace(outcome_desc=_polyglots(one, filed.stored)) for one in told]
        return [*told, *await _reviews(request, filed)]

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
