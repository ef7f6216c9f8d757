"""WADO-RS metadata in the form that is taken: the stored DICOM JSON, or the Native DICOM Model made of it.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.2
"""

import asyncio

import orjson

from app.imaging.found import models
from app.imaging.lacking import told
from app.imaging.metadata import metadata, metadata_tag
from app.imaging.models import answered, representation
from app.imaging.request import DicomRequest
from app.imaging.response import DICOM_JSON, not_modified
from app.imaging.sources.describe import described as with_headers
from app.records.response import Response
from dicom.json_model import rebase


async def described(request: DicomRequest) -> Response:
    """Answer the metadata of the instances that the address names.

    Raises:
        NotFound: there are none for the caller.
        NotAcceptable: the caller takes neither DICOM JSON nor XML.
        SourceFailed: the site that keeps them does not give them.
    """
    chosen = representation(request, single=bool(request.instance))
    if chosen.media_type == DICOM_JSON:
        return await metadata(request)
    named = await models(request)
    rows = await with_headers(request, named)
    status, warning = told(len(named) - len(rows), len(named))
    tag = b"" if warning else metadata_tag(rows, str(chosen))
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    found = [orjson.loads(rebase(row.model, request.root)) for row in rows]
    response = await asyncio.to_thread(answered, chosen, found, status=status, tag=tag)
    response.headers += warning
    return response
