"""Data sets as answers: the DICOM JSON Model as an array, the Native DICOM Model as parts.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.7.3.2.html
"""

from collections.abc import Sequence

import orjson

from app.imaging.request import DicomRequest
from app.imaging.response import DICOM_JSON, DICOM_XML, headers, new_boundary
from app.records.response import Response
from dicom.accept import Representation, choose
from dicom.json_model import Json
from dicom.multipart import closing, content_type, part_head
from dicom.xml_model import to_xml

_FORMS = [Representation(DICOM_JSON), Representation(DICOM_XML, multipart=True)]


def representation(request: DicomRequest, *, single: bool = False) -> Representation:
    """Return the form that the caller takes; `single` if XML may be given without parts.

    Raises:
        NotAcceptable: it takes neither.
    """
    return choose(request.accept, [*_FORMS, Representation(DICOM_XML)] if single else _FORMS)


def answered(chosen: Representation, models: Sequence[Json], *, status: int = 200, tag: bytes = b"") -> Response:
    """Return data sets in the form that was chosen."""
    if chosen.media_type == DICOM_JSON:
        return Response(status, orjson.dumps(models), headers(DICOM_JSON, tag))
    if not chosen.multipart:
        return Response(status, to_xml(models[0]), headers(DICOM_XML, tag))
    boundary = new_boundary()
    parts = [to_xml(model) for model in models]
    body = b"".join(part_head(boundary, DICOM_XML, len(part)) + part for part in parts) + closing(boundary)
    return Response(status, body, headers(content_type(DICOM_XML, boundary), tag))
