"""history-instance: https://hl7.org/fhir/R4/http.html#history."""

from collections.abc import Sequence

import orjson

from app.clock import instant
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from fhir.errors import InvalidValue
from fhir.store.stored import Stored

_FIRST_PAGE = 2**31 - 1
_METHODS = {True: "DELETE", False: "PUT"}


def _entry(request: FhirRequest, one: Stored) -> bytes:
    address = f"{request.hub.settings.address}/fhir/{one.type}/{one.id}"
    method = "POST" if one.version == 1 else _METHODS[one.deleted]
    url = one.type if one.version == 1 else f"{one.type}/{one.id}"
    status = {"DELETE": "204", "POST": "201", "PUT": "200"}[method]
    head = {
        "fullUrl": address,
        "request": {"method": method, "url": url},
        "response": {
            "status": status,
            "etag": f'W/"{one.version}"',
            "lastModified": instant(one.last_updated),
        },
    }
    if one.deleted:
        return orjson.dumps(head)
    return orjson.dumps(head)[:-1] + b',"resource":' + one.body + b"}"


def history_bundle(
    request: FhirRequest, versions: Sequence[Stored], total: int, links: Sequence[dict[str, str]]
) -> bytes:
    """Return the history Bundle of a page of versions."""
    head = {"resourceType": "Bundle", "type": "history", "total": total, "link": links}
    entries = b",".join([_entry(request, one) for one in versions])
    return orjson.dumps(head)[:-1] + b',"entry":[' + entries + b"]}"


def _number(pairs: Sequence[tuple[str, str]], name: str, default: int, most: int) -> int:
    for key, text in pairs:
        if key == name:
            if not text.isdigit() or len(text) > 9:
                raise InvalidValue(f"{name} is a whole number", name)
            return min(int(text), most)
    return default


async def history(request: FhirRequest) -> Response:
    """Answer the versions of a resource, the newest first."""
    request.check_accept()
    for name, _ in request.pairs:
        if name not in {"_count", "_before", "_format", "_pretty"}:
            raise InvalidValue(f"{name} is not a parameter of history", name)
    settings = request.hub.settings
    count = max(_number(request.pairs, "_count", settings.page_entries, settings.page_entries_limit), 1)
    before = _number(request.pairs, "_before", _FIRST_PAGE, _FIRST_PAGE)
    current = await request.record.history(known_type(request.type), request.id, before=_FIRST_PAGE, count=1)
    total = current[0].version
    versions = await request.record.history(request.type, request.id, before=before, count=count)
    address = f"{settings.address}/fhir/{request.type}/{request.id}/_history"
    links = [{"relation": "self", "url": address}]
    if versions[-1].version > 1:
        links.append({"relation": "next", "url": f"{address}?_count={count}&_before={versions[-1].version}"})
    return fhir_response(history_bundle(request, versions, total, links))
