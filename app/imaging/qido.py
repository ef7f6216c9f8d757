"""QIDO-RS: https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.6.html."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import orjson

from app.imaging.events import Touched
from app.imaging.request import DicomRequest
from app.imaging.response import DICOM_JSON, headers
from app.records.response import Response
from dicom.accept import Representation, choose
from dicom.attributes import Level
from dicom.matching import InvalidQuery, parse_query
from dicom.results import result
from dicom.store.search import search as run
from fhir.errors import InvalidValue

MORE = "The number of results exceeded the maximum supported by the server. Additional results can be requested."
"""The words of PS3.18 10.6.3.1."""


def search(level: Level) -> Callable[[DicomRequest], Awaitable[Response]]:
    """Return what answers searches for studies, series or instances."""

    async def answer(request: DicomRequest) -> Response:
        return await _search(request, level)

    return answer


async def _search(request: DicomRequest, level: Level) -> Response:
    """Answer what matches in the world of the caller.

    Raises:
        InvalidValue: the query is malformed or asks for what is not indexed.
        NotAcceptable: the caller takes no DICOM JSON.
    """
    choose(request.accept, [Representation(DICOM_JSON)])
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
    found = found[: query.limit]
    request.touch(Touched(one.patient_key, one.custodian, one.study.study_instance_uid) for one in found)
    body = orjson.dumps([result(query, one, request.root) for one in found])
    warned = [(b"warning", f'299 {request.root} "{text}"'.encode()) for text in warnings]
    return Response(200, body, [*headers(DICOM_JSON), *warned])
