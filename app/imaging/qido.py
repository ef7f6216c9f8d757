"""QIDO-RS: https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.6.html."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import orjson

from app.imaging.events import Touched
from app.imaging.models import answered, representation
from app.imaging.request import DicomRequest
from app.imaging.response import etag, not_modified
from app.records.response import Header, Response
from dicom.attributes import Level
from dicom.matching import InvalidQuery, Query, parse_query
from dicom.results import Found, result
from dicom.store.search import count
from dicom.store.search import search as run
from fhir.errors import InvalidValue

MORE = "The number of results exceeded the maximum supported by the server. Additional results can be requested."
"""The words of PS3.18 10.6.3.1."""
COUNTED = 1_000
"""Up to so many results their total is told unasked; beyond, it takes `Prefer: count=exact`."""


def search(level: Level) -> Callable[[DicomRequest], Awaitable[Response]]:
    """Return what answers searches for studies, series or instances."""

    async def answer(request: DicomRequest) -> Response:
        return await _search(request, level)

    return answer


async def _search(request: DicomRequest, level: Level) -> Response:
    """Answer what matches in the world of the caller.

    Raises:
        InvalidValue: the query is malformed.
        NotAcceptable: the caller takes neither DICOM JSON nor XML.
        TooBroad: the query asks for what is not indexed, of too many instances.
    """
    chosen = representation(request)
    pairs = [pair for pair in request.pairs if pair[0] != "accept"]
    for keyword, uid in (("StudyInstanceUID", request.study), ("SeriesInstanceUID", request.series)):
        if uid:
            pairs.append((keyword, uid))
    try:
        query = parse_query(level, pairs, max_limit=request.hub.settings.page_entries_limit)
    except InvalidQuery as error:
        raise InvalidValue(str(error)) from error
    # One more than is answered tells whether there are more.
    found = await run(request.record.connection, request.visibility, replace(query, limit=query.limit + 1))
    warnings = list(query.warnings)
    if len(found) > query.limit == request.hub.settings.page_entries_limit:
        warnings.append(MORE)
    total = await _total(request, query, found)
    found = found[: query.limit]
    request.touch(Touched(one.patient_key, one.custodian, one.study.study_instance_uid) for one in found)
    models = [result(query, one, request.root) for one in found]
    tag = etag([hashlib.sha256(orjson.dumps([models, warnings])).hexdigest()], chosen.media_type)
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        unchanged.headers += total
        return unchanged
    response = answered(chosen, models, tag=tag)
    response.headers += [(b"warning", f'299 {request.root} "{text}"'.encode()) for text in warnings]
    return Response(200, response.body, [*response.headers, *total])


async def _total(request: DicomRequest, query: Query, found: Sequence[Found]) -> list[Header]:
    """Return the header that tells how many results all pages hold: of what the caller may see, and no others."""
    if len(found) <= query.limit and (found or not query.offset):
        return [_header(query.offset + len(found))]
    exact = b"count=exact" in request.headers.get(b"prefer", b"")
    most = 2**31 if exact else COUNTED + 1
    total = await count(request.record.connection, request.visibility, query, most=most)
    return [_header(total)] if exact or total <= COUNTED else []


def _header(total: int) -> Header:
    return b"x-total-count", str(total).encode()
