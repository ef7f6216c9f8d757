"""`$process-message`: a message Bundle is carried out. https://hl7.org/fhir/R4/messageheader-operation-process-message.html."""

from app.exchange.pmir.feed import feed
from app.records.bundle import read_envelope
from app.records.request import FhirRequest
from app.records.response import Response
from fhir.errors import InvalidValue


async def process_message(request: FhirRequest) -> Response:
    """Carry out the message in the body.

    Raises:
        InvalidValue: it is none.
    """
    envelope = await read_envelope(request)
    if envelope.type != "message":
        raise InvalidValue("The body is a Bundle of type message", "Bundle.type")
    return await feed(request, envelope)
