"""WADO-RS metadata: the DICOM JSON that was rendered when the instance was stored.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html#sect_10.4.1.1.2
"""

import asyncio
import gzip
import hashlib

from app.imaging.found import models
from app.imaging.request import DicomRequest
from app.imaging.response import DICOM_JSON, etag, headers, not_modified
from app.imaging.sources.describe import described
from app.records.response import Response
from dicom.accept import Representation, choose
from dicom.json_model import rebase

COMPRESSED_BYTES = 16_000
"""From so many bytes on, compression is worth its time: the headers of a series repeat each other."""


async def metadata(request: DicomRequest) -> Response:
    """Answer the metadata of the instances that the address names.

    Raises:
        NotFound: there are none for the caller.
        NotAcceptable: the caller takes no DICOM JSON.
        SourceFailed: the site that keeps them does not give them.
    """
    choose(request.accept, [Representation(DICOM_JSON)])
    rows = await described(request, await models(request))
    packed = "gzip" in request.headers.get(b"accept-encoding", b"").decode("latin-1")
    # Of a reference there is no digest: what its header says may come to be known.
    tag = etag((row.digest or hashlib.sha256(row.model).hexdigest() for row in rows), f"metadata {packed}")
    unchanged = not_modified(request, tag)
    if unchanged is not None:
        return unchanged
    body = rebase(b"[" + b",".join([row.model for row in rows]) + b"]", request.root)
    found = headers(DICOM_JSON, tag)
    if packed and len(body) >= COMPRESSED_BYTES:
        body = await asyncio.to_thread(gzip.compress, body, 1)
        found += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    return Response(200, body, found)
