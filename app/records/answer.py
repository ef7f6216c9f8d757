"""From a request to its answer: decide, do, record. What fails becomes an OperationOutcome, and is recorded too."""

import logging

from app.audit.log import AuditUnavailable
from app.db import DatabaseUnavailable
from app.records.events import events
from app.records.interactions import find
from app.records.record import StaleCaller
from app.records.request import FhirRequest
from app.records.response import Response, failure_response, outcome_response
from fhir.errors import FhirError, Forbidden
from fhir.issue import Issue

logger = logging.getLogger(__name__)


def refused(expression: str, diagnostics: str) -> Response:
    """Return a 400 with one issue."""
    return outcome_response(400, [Issue("error", "invalid", expression, diagnostics)])


def unavailable() -> Response:
    """Return a 503: nothing was disclosed, nothing is known to be written; try again."""
    issue = Issue("error", "transient", "", "The hub cannot record this access now; please try again")
    response = outcome_response(503, [issue])
    response.headers.append((b"retry-after", b"5"))
    return response


async def _do(request: FhirRequest) -> Response:
    try:
        interaction = find(request)
        request.interaction, request.action = interaction.code, interaction.action
        if request.caller.must_change:
            raise Forbidden("The password must be changed first")
        return await interaction.answer(request)
    except FhirError as error:
        return failure_response(error)
    except (StaleCaller, DatabaseUnavailable, AuditUnavailable):
        raise
    except Exception:
        logger.exception("%s %s failed", request.method, request.type)
        issue = Issue("fatal", "exception", "", "The hub failed; the failure is in its log")
        return outcome_response(500, [issue])


async def answer(request: FhirRequest) -> Response:
    """Return the answer to a request whose caller is known; its audit record is durable.

    Raises:
        StaleCaller: the caller must be identified again.
    """
    try:
        response = await _do(request)
        if not request.recorded:
            await request.hub.audit.append(await events(request, request.record.disclosed, response.status))
    except (DatabaseUnavailable, AuditUnavailable) as error:
        logger.error("%s %s cannot be answered: %s", request.method, request.type, error)
        return unavailable()
    return response
