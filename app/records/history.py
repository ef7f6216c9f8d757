"""history-instance, history-type, history-system: https://hl7.org/fhir/R4/http.html#history."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from app.clock import instant
from app.records import parts
from app.records.parameters import interval, one_of, only
from app.records.parts import part_of
from app.records.record import Asked, Past, known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from fhir.errors import InvalidValue
from fhir.search import date
from fhir.store.stored import DELETE, Stored
from fhir.store.write import PATCH, POST, PUT
from fhir.subset import Subset

_METHODS = {POST: "POST", PUT: "PUT", DELETE: "DELETE", PATCH: "PATCH"}
_PARAMETERS = frozenset(("_count", "_since", "_at", "_cursor", "_format", "_pretty", *parts.NAMES))


def _entry(request: FhirRequest, one: Stored, subset: Subset | None, *, again: bool) -> bytes:
    """Return the entry of a version; `again` says that it brought a deleted resource back."""
    address = f"{request.hub.settings.address}/fhir/{one.type}/{one.id}"
    method = _METHODS[one.method]
    made = "201" if one.version == 1 or again else "200"
    head = {
        "fullUrl": address,
        "request": {"method": method, "url": one.type if method == "POST" else f"{one.type}/{one.id}"},
        "response": {
            "status": "204" if one.deleted else made,
            "etag": f'W/"{one.version}"',
            "lastModified": instant(one.last_updated),
        },
    }
    if one.deleted:
        return orjson.dumps(head)
    return orjson.dumps(head)[:-1] + b',"resource":' + part_of(one, subset) + b"}"


def history_bundle(
    request: FhirRequest, past: Past, total: int | None, links: Sequence[dict[str, str]], subset: Subset | None
) -> bytes:
    """Return the history Bundle of a page of versions, or of the part of each that is wanted."""
    head: dict[str, Any] = {"resourceType": "Bundle", "type": "history", "link": links}
    if total is not None:
        head["total"] = total
    entries = [_entry(request, one, subset, again=place in past.again) for place, one in enumerate(past.versions)]
    text = orjson.dumps(head)[:-1]
    # An empty array is not allowed in FHIR.
    return text + (b',"entry":[' + b",".join(entries) + b"]}" if entries else b"}")


def _count(text: str, most: int) -> int:
    if not text.isdigit() or len(text) > 9:
        raise InvalidValue("_count is a whole number", "_count")
    return min(max(int(text), 1), most)


def _at(text: str) -> tuple[int, int]:
    """Return the time that `_at` speaks of: an instant, a date, or a period by its prefix."""
    try:
        value = date.parse(text)
    except InvalidValue as error:
        raise InvalidValue(error.diagnostics, "_at") from None
    if value.prefix == "eq":
        return value.lo, value.hi
    if value.prefix in ("ge", "gt", "sa"):
        return (value.lo if value.prefix == "ge" else value.hi), date.MAX
    if value.prefix in ("le", "lt", "eb"):
        return date.MIN, (value.hi if value.prefix == "le" else value.lo)
    raise InvalidValue(f"_at has no prefix {value.prefix}", "_at")


async def _history(request: FhirRequest, type_name: str | None, id_: str | None) -> Response:
    request.check_accept()
    settings = request.hub.settings
    found = only(request.pairs, _PARAMETERS)
    kept = [(name, text) for name in found if (text := one_of(found, name)) is not None and name != "_cursor"]
    subset = parts.wanted(request)
    stated = one_of(found, "_count")
    limit = _count(str(settings.page_entries) if stated is None else stated, settings.page_entries_limit)
    place = "/".join([part for part in (type_name, id_) if part is not None])
    binding = request.binding(f"{place}/_history", kept)
    cursor, since, at = one_of(found, "_cursor"), interval(found, "_since"), one_of(found, "_at")
    after = request.hub.cursors.open(cursor, binding) if cursor is not None else None
    asked = Asked(
        type_name,
        id_,
        since=since[0] if since is not None else None,
        at=_at(at) if at is not None else None,
        after=(after[0], after[1], after[2]) if after is not None else None,
    )
    past, total = await request.record.history(asked, limit=limit)
    address = f"{settings.address}/fhir/{place}{'/' if place else ''}_history"
    links = [{"relation": "self", "url": f"{address}?{urlencode(kept)}" if kept else address}]
    if past.after is not None:
        following = [*kept, ("_cursor", request.hub.cursors.seal(past.after, binding))]
        links.append({"relation": "next", "url": f"{address}?{urlencode(following)}"})
    return fhir_response(history_bundle(request, past, total, links, subset))


async def history(request: FhirRequest) -> Response:
    """Answer the versions of a resource, the newest first."""
    return await _history(request, known_type(request.type), request.id)


async def history_type(request: FhirRequest) -> Response:
    """Answer the versions of the resources of a type, the newest first."""
    return await _history(request, known_type(request.type), None)


async def history_system(request: FhirRequest) -> Response:
    """Answer the versions of all resources, the newest first."""
    return await _history(request, None, None)
