"""`$explain`: why somebody may, or may not, see a resource; no standard names such an operation.

It is for those who answer for consent, and refuses everybody else before it looks at anything. It tells nothing of the
resource but its kind and labels.
"""

import orjson

from app.audit.record import Event
from app.consent.explain.asked import Question, answer, check_asks
from app.consent.explain.rendered import parameters
from app.consent.explain.told import told
from app.records.events import common
from app.records.parameters import one_of, only, operation_pairs
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from fhir.errors import InvalidValue
from fhir.search.date import interval

NAMES = ("organization", "account", "role", "purpose", "at")


def _instant(text: str) -> int:
    if not text:
        return 0
    if "T" not in text:
        raise InvalidValue("at is an instant", "at")
    return interval(text)[0]


async def explain(request: FhirRequest) -> Response:
    """Answer why somebody may, or may not, see a resource.

    Raises:
        Forbidden: the caller may not ask.
        NotFound: there is no such resource that the caller asks about.
        InvalidValue: there is no such organisation, account, role, purpose or instant.
    """
    request.check_accept()
    check_asks(request.caller)
    known_type(request.type)
    asked = only(await operation_pairs(request), NAMES)
    values = {name: one_of(asked, name) or "" for name in NAMES}
    question = Question(
        record=f"{request.type}/{request.id}",
        organisation=values["organization"],
        account=values["account"],
        role=values["role"],
        purpose=values["purpose"],
        at=_instant(values["at"]),
    )
    found, facts = await answer(request.hub, request.caller, question)
    event = Event(**common(request, 200))
    await request.hub.audit.append([await told(request.hub, event, question.record, facts)])
    request.recorded = True
    return fhir_response(orjson.dumps(parameters(question.record, found)))
