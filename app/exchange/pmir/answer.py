"""The answer to a feed: a message with what became of each change, and the ids that the hub gave.

https://hl7.org/fhir/R4/messageheader.html, https://profiles.ihe.net/ITI/PMIR/ITI-93.html
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import orjson

from app.clock import instant
from app.exchange.pmir.message import EVENT, Change, Feed
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from fhir.store.stored import Stored


def _entry(base: str, change: Change, written: Stored | None) -> dict[str, Any]:
    reference = f"{change.type}/{change.id}"
    status = "204" if change.method == "DELETE" else "201" if written and written.version == 1 else "200"
    told: dict[str, Any] = {"status": status, "location": reference}
    if written is not None:
        told |= {"etag": f'W/"{written.version}"', "lastModified": instant(written.last_updated)}
    request = {"method": change.method, "url": reference if change.method != "POST" else change.type}
    return {"fullUrl": f"{base}/{reference}", "request": request, "response": told}


def _header(base: str, asked: Mapping[str, Any], focus: str) -> dict[str, Any]:
    return {
        "resourceType": "MessageHeader",
        "id": str(uuid4()),
        "eventUri": EVENT,
        "destination": [{"endpoint": asked["source"]["endpoint"]}],
        "source": {"name": "Renkei", "endpoint": base},
        "response": {"identifier": asked["id"], "code": "ok"},
        "focus": [{"reference": focus}],
    }


def answer(request: FhirRequest, feed: Feed, done: Sequence[Stored | None]) -> Response:
    """Return the message that answers a feed that was carried out.

    Args:
        request: The feed's.
        feed: What was asked.
        done: What each change wrote.
    """
    base, focus = request.hub.settings.fhir_address, f"urn:uuid:{uuid4()}"
    header = _header(base, feed.header, focus)
    history = {
        "resourceType": "Bundle",
        "type": "history",
        "entry": [_entry(base, change, done[change.number]) for change in feed.changes],
    }
    entries = [
        {"fullUrl": f"urn:uuid:{header['id']}", "resource": header},
        {"fullUrl": focus, "resource": history},
    ]
    message = {"resourceType": "Bundle", "id": str(uuid4()), "type": "message", "timestamp": instant(request.now)}
    return fhir_response(orjson.dumps({**message, "entry": entries}))
