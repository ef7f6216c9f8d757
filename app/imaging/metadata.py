"""WADO-RS metadata: the DICOM JSON that was rendered when the instance was stored, or the Native DICOM Model of it.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.2
"""

import asyncio
import gzip
import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import orjson

from app.imaging.found import digests, models
from app.imaging.lacking import status_and_warning
from app.imaging.models import answered, representation
from app.imaging.packing import Made, Series, offer, series_of, tag_of
from app.imaging.request import DicomRequest
from app.imaging.response import DICOM_JSON, Header, etag, headers, not_modified
from app.imaging.sources.describe import with_headers
from app.records.accept import takes_gzip
from app.records.response import Response
from dicom.accept import Representation
from dicom.json_model import rebase
from dicom.store.read import ModelRow
from dicom.store.series_metadata import packed_metadata

COMPRESSED_BYTES = 16_000
"""From so many bytes on, compression is worth its time: the headers of a series repeat each other."""

_PACKED: list[Header] = [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]


async def metadata(request: DicomRequest) -> Response:
    """Answer the metadata of the instances that the address names, in the form that is taken.

    Raises:
        NotFound: there are none for the caller.
        NotAcceptable: the caller takes neither DICOM JSON nor XML.
        SourceFailed: the site that keeps them does not give them.
    """
    chosen = representation(request, single=bool(request.instance))
    if chosen.media_type != DICOM_JSON:
        return await _as_xml(request, chosen)
    packed = takes_gzip(request.headers.get(b"accept-encoding", b""))
    if packed and request.series and not request.instance:
        return await _whole_series(request)
    return await _put_together(request, packed=packed)


class _Gathered(NamedTuple):
    """The DICOM JSON of the instances that can be had, and how an answer of it begins."""

    rows: list[ModelRow]
    status: int
    warning: list[Header]
    tag: bytes


async def _gathered(request: DicomRequest, form: str) -> _Gathered:
    named = await models(request)
    rows = await with_headers(request, named)
    status, warning = status_and_warning(len(named) - len(rows), len(named))
    return _Gathered(rows, status, warning, b"" if warning else _tag(rows, form))


async def _as_xml(request: DicomRequest, chosen: Representation) -> Response:
    rows, status, warning, tag = await _gathered(request, str(chosen))
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    found = [orjson.loads(rebase(row.model, request.root)) for row in rows]
    response = await asyncio.to_thread(answered, chosen, found, status=status, tag=tag)
    response.headers += warning
    return response


def _tag(rows: Iterable[ModelRow], form: str) -> bytes:
    """Return the entity tag of the metadata of instances; of a reference, what is known may come to be more."""
    return etag((row.digest or hashlib.sha256(row.model).hexdigest() for row in rows), f"metadata {form}")


async def _whole_series(request: DicomRequest) -> Response:
    """Answer a series from what is kept of it, if the caller sees exactly the instances that this was made of."""
    rows = await digests(request)
    series = series_of(rows, request.series)
    if series is None:
        return await _put_together(request, packed=True)
    tag = etag((row.digest for row in rows), "metadata True")
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    name = tag_of(rows, request.root)
    kept = await packed_metadata(request.record.connection, series.patient_key, series.row, name)
    if kept is None:
        return await _put_together(request, packed=True, series=series)
    return Response(200, kept, headers(DICOM_JSON, tag) + _PACKED)


async def _put_together(request: DicomRequest, *, packed: bool, series: Series | None = None) -> Response:
    """Answer what is put together of the instances; of a series that has one custodian it is kept."""
    rows, status, warning, tag = await _gathered(request, str(packed))
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    body = rebase(b"[" + b",".join([row.model for row in rows]) + b"]", request.root)
    if not packed or len(body) < COMPRESSED_BYTES:
        return Response(status, body, [*headers(DICOM_JSON, tag), *warning])
    body = await asyncio.to_thread(gzip.compress, body, 1 if series is None else 6)
    if series is not None:
        offer(request.hub, Made(series, tag_of(rows, request.root), body))
    return Response(status, body, [*headers(DICOM_JSON, tag), *_PACKED, *warning])
