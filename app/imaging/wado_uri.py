"""WADO-URI: one instance by the parameters of a query, as a file or as a picture.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_9.html
"""

import re

from app.imaging.found import instances
from app.imaging.parts import DICOM
from app.imaging.rendered import JPEG, PNG, rendered
from app.imaging.request import DicomRequest
from app.imaging.response import DicomResponse
from app.imaging.retrieve import retrieve
from dicom.media_types import parse
from dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from dicom.values import is_uid
from fhir.errors import InvalidValue, NotSupported

_UIDS = {"studyUID": "study", "seriesUID": "series", "objectUID": "instance"}
_NOT_DONE = {
    "anonymize": "Nothing is made anonymous here",
    "presentationUID": "Presentation states are not applied",
    "presentationSeriesUID": "Presentation states are not applied",
}
_EDGE = re.compile(r"[1-9][0-9]{0,4}")
_FRACTION = re.compile(r"(?:0?\.[0-9]{1,12}|[01](?:\.0{0,12})?)")
_WHOLE_EDGE = "8192"


async def wado_uri(request: DicomRequest) -> DicomResponse:
    """Answer one instance: an image of one frame as a picture unless something else is asked for, others as a file.

    Raises:
        NotFound: there is no such instance for the caller.
        InvalidValue: a parameter is missing or malformed.
        NotSupported: it asks for what is not done.
        NotAcceptable: it cannot be given in the form that is asked for.
    """
    given = dict(request.pairs)
    if given.get("requestType") != "WADO":
        raise InvalidValue("requestType is WADO", "requestType")
    for name, attribute in _UIDS.items():
        if not is_uid(given.get(name, "")):
            raise InvalidValue(f"{name} is a UID", name)
        setattr(request, attribute, given[name])
    for name, words in _NOT_DONE.items():
        if given.get(name, "no") != "no":
            raise NotSupported(words, name)
    kinds = [one.name for one in parse(given.get("contentType") or request.accept)]
    if {DICOM, JPEG, PNG} & set(kinds):
        as_file = DICOM in kinds
    else:
        # Another kind is refused if it is asked for; a browser, which takes everything, asks for none.
        is_free = (given.get("contentType") or "*").startswith("*")
        as_file = is_free and not await _is_picture(request)
    if as_file:
        request.pairs = [("accept", _file_accept(given.get("transferSyntax", "")))]
        return await retrieve(request)
    request.frames = given.get("frameNumber", "")
    request.region = _region(given["region"]) if "region" in given else None
    asked = ",".join(one for one in kinds if one in (JPEG, PNG)) or given.get("contentType") or JPEG
    request.pairs = [("accept", asked), *_picture(given)]
    return await rendered(request)


async def _is_picture(request: DicomRequest) -> bool:
    """Return whether an instance of which no form is named is shown: an image of one frame is (PS3.18 9.4.1)."""
    (row,) = await instances(request)
    return row.number_of_frames == 1


def _file_accept(transfer_syntax: str) -> str:
    """Return what is taken of a file: Explicit VR Little Endian when nothing is named, else as it is stored."""
    if transfer_syntax:
        if transfer_syntax != "*" and not is_uid(transfer_syntax):
            raise InvalidValue("transferSyntax is a UID", "transferSyntax")
        return f"{DICOM}; transfer-syntax={transfer_syntax}"
    return f"{DICOM}; transfer-syntax={EXPLICIT_VR_LITTLE_ENDIAN}, {DICOM}; transfer-syntax=*; q=0.1"


def _picture(given: dict[str, str]) -> list[tuple[str, str]]:
    """Return the parameters of WADO-RS that mean the same."""
    found = []
    if "rows" in given or "columns" in given:
        edges = [given.get(name, _WHOLE_EDGE) for name in ("columns", "rows")]
        if not all(map(_EDGE.fullmatch, edges)):
            raise InvalidValue("rows and columns are numbers of pixels", "rows")
        found.append(("viewport", ",".join(edges)))
    if "windowCenter" in given or "windowWidth" in given:
        found.append(("window", f"{given.get('windowCenter', '')},{given.get('windowWidth', '')}"))
    if "imageQuality" in given:
        found.append(("quality", given["imageQuality"]))
    if "annotation" in given:
        found.append(("annotation", given["annotation"]))
    return found


def _region(text: str) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a region, as fractions of the frame (PS3.18 9.4.2)."""
    sides = text.split(",")
    if len(sides) == 4 and all(map(_FRACTION.fullmatch, sides)):
        left, top, right, bottom = map(float, sides)
        if left < right <= 1 and top < bottom <= 1:
            return left, top, right, bottom
    raise InvalidValue("region is left, top, right and bottom, from 0 to 1", "region")
