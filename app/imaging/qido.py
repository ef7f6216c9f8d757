"""QIDO-RS: https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.6.html."""

import hashlib
from collections.abc import Awaitable, Callable

import orjson

from app.imaging.enumeration import count_search
from app.imaging.events import Touched
from app.imaging.models import answered, representation
from app.imaging.request import DicomRequest
from app.imaging.response import etag, not_modified
from app.records.response import Header, Response
from dicom.attributes import Level
from dicom.matching import InvalidQuery, parse_query
from dicom.results import result
from dicom.store.search import search_page
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
        TooManyRequests: the caller has searched for people too often.
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
    count_search(request, query)
    exact = b"count=exact" in request.headers.get(b"prefer", b"")
    most = 2**31 if exact else COUNTED + 1
    page = await search_page(request.record.connection, request.visibility, query, most=most)
    found, total = page.found, page.total
    is_last = not page.more and total == query.offset + len(found)
    counted = [_header(total)] if exact or is_last or total <= COUNTED else []
    warnings = list(query.warnings)
    if page.more and query.limit == request.hub.settings.page_entries_limit:
        warnings.append(MORE)
    request.touch(Touched(one.patient_key, one.custodian, one.study.study_instance_uid) for one in found)
    models = [result(query, one, request.root) for one in found]
    tag = etag([hashlib.sha256(orjson.dumps([models, warnings])).hexdigest()], chosen.media_type)
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        unchanged.headers += counted
        return unchanged
    response = answered(chosen, models, tag=tag)
    response.headers += [(b"warning", f'299 {request.root} "{text}"'.encode()) for text in warnings]
    return Response(200, response.body, [*response.headers, *counted])


def _header(total: int) -> Header:
    return b"x-total-count", str(total).encode()
