"""The FHIR door: from a request to its answer. What fails becomes an OperationOutcome, and is recorded too."""

from collections.abc import Awaitable, Callable
from functools import partial

from app.audit.record import Event
from app.doors import Door, recorded, unavailable
from app.records.events import events
from app.records.format import written_for
from app.records.interactions import find
from app.records.later.kickoff import begin_later, prefers_later
from app.records.request import FhirRequest
from app.records.response import FhirResponse, Response, failure_response
from app.records.scoped import check_interaction
from fhir.errors import TooLarge

__all__ = ["FHIR", "answer", "unavailable"]


def _find(request: FhirRequest) -> Callable[[FhirRequest], Awaitable[FhirResponse]]:
    interaction = find(request)
    request.interaction, request.action = interaction.code, interaction.action
    check_interaction(request)
    if interaction.later and prefers_later(request):
        return begin_later(reads=interaction.later == "read")
    if not request.nested and (b"xml" in request.headers.get(b"accept", b"") or b"_format" in request.query_string):
        return partial(_written, interaction.answer)
    return interaction.answer


async def _written(interaction: Callable[[FhirRequest], Awaitable[FhirResponse]], request: FhirRequest) -> FhirResponse:
    """Return an answer as it is wanted, before anything is recorded."""
    return await written_for(request, await interaction(request))


async def _tell(request: FhirRequest, status: int) -> list[Event]:
    told = await events(request, request.record.disclosed, status)
    # While the records are written, only the answer is still needed.
    request.record.disclosed.clear()
    return told


FHIR = Door(FhirRequest, _find, _tell)


async def answer(request: FhirRequest, most_bytes: int) -> Response:
    """Return the answer to a request whose caller is known; its audit record is durable.

    A stream is gathered; one of more than `most_bytes` is a 413.

    Raises:
        StaleCaller: the caller must be identified again.
    """
    found = await recorded(FHIR, request)
    if isinstance(found, Response):
        return found
    try:
        return await found.gathered(most_bytes)
    except TooLarge as error:
        return failure_response(error)
