"""STOW-RS: https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from pydicom.uid import UID

from app.imaging.apart import JSON_TYPES, receive_apart
from app.imaging.filing import Filed
from app.imaging.keep import Failure, Received
from app.imaging.models import answered, representation
from app.imaging.receive import receive, receive_one
from app.imaging.request import DicomRequest
from app.imaging.response import DICOM, DICOM_JSON, DICOM_XML, headers
from app.imaging.stored import stored
from app.records.response import Response
from dicom.json_model import instance_path
from dicom.media_types import parse
from fhir.errors import Forbidden, InvalidValue, UnsupportedMediaType
from fhir.store.categories import Category

DATA_SET_WITHOUT_PIXELS = 0xB007
"""The data set does not match its SOP class: an image without pixels (PS3.18 I.2.1)."""


async def stow(request: DicomRequest) -> Response:
    """Store the instances in the body; what is sound is stored, whatever the rest is.

    Raises:
        UnsupportedMediaType: the body is neither files nor metadata with bulk data.
        NotAcceptable: the answer is taken neither as DICOM JSON nor as XML.
        Forbidden: the role stores no images.
        InvalidValue: the body has no part.
    """
    if not request.authority.may_write(Category.IMAGING):
        raise Forbidden("This role does not store images")
    receiving = _receiving(request)
    chosen = representation(request, single=True)
    parts = [one async for one in receiving(request)]
    if not parts:
        raise InvalidValue("The body has no instance")
    received = [one for one in parts if isinstance(one, Received)]
    filed = await stored(request, received) if received else Filed()
    filed.failures[:0] = [one for one in parts if isinstance(one, Failure)]
    answer = _answer(request, filed)
    if chosen.media_type == DICOM_JSON:
        return Response(_status(filed), orjson.dumps(answer), headers(DICOM_JSON))
    return answered(chosen, [answer], status=_status(filed))


_RECEIVING: dict[str, Callable[[DicomRequest], AsyncIterator[Received | Failure]]] = {
    DICOM: receive,
    **dict.fromkeys((*JSON_TYPES, DICOM_XML), receive_apart),
}
"""What takes the body, by the type of its first part."""


def _receiving(request: DicomRequest) -> Callable[[DicomRequest], AsyncIterator[Received | Failure]]:
    """Return what takes the body.

    Raises:
        UnsupportedMediaType: nothing does.
    """
    found = parse(request.headers.get(b"content-type", b"").decode("latin-1"))
    if request.headers.get(b"content-encoding", b"identity") != b"identity":
        raise UnsupportedMediaType("A compressed body is not read")
    if found and found[0].name == DICOM:
        return receive_one
    if not found or found[0].name != "multipart/related":
        raise UnsupportedMediaType("Instances are sent as multipart/related, or one as application/dicom")
    receiving = _RECEIVING.get(found[0].parameter("type", DICOM).lower())
    if receiving is None:
        raise UnsupportedMediaType("The parts are application/dicom, or metadata as JSON or XML with bulk data")
    return receiving


def _status(filed: Filed) -> int:
    """Return the status of PS3.18 table 10.5.3-1."""
    if not filed.stored:
        return 409
    return 202 if filed.failures or any(warning(one) for one in filed.stored) else 200


def warning(one: Received) -> int:
    """Return the Warning Reason (0008,1196) of what was stored; nothing is ever coerced (B000)."""
    without = one.extracted.columns["number_of_frames"] is None
    return DATA_SET_WITHOUT_PIXELS if without and UID(one.sop_class_uid).name.endswith("Image Storage") else 0


def _answer(request: DicomRequest, filed: Filed) -> dict[str, Any]:
    """Return the Store Instances Response module (PS3.18 I.2)."""
    studies = dict.fromkeys(one.extracted.facts.study.study_instance_uid for one in filed.stored)
    found: dict[str, Any] = {}
    if len(studies) == 1:
        found["00081190"] = _value("UR", f"{request.root}/studies/{next(iter(studies))}")
    if filed.failures:
        found["00081198"] = {"vr": "SQ", "Value": [_failed(one) for one in filed.failures]}
    if filed.stored:
        found["00081199"] = {"vr": "SQ", "Value": [_stored(request, one) for one in filed.stored]}
    return found


def _stored(request: DicomRequest, one: Received) -> dict[str, Any]:
    facts = one.extracted.facts
    place = instance_path(facts.study.study_instance_uid, facts.series.series_instance_uid, one.sop_instance_uid)
    told = {
        "00081150": _value("UI", one.sop_class_uid),
        "00081155": _value("UI", one.sop_instance_uid),
        "00081190": _value("UR", f"{request.root}/{place}"),
    }
    if warning(one):
        told["00081196"] = {"vr": "US", "Value": [warning(one)]}
    return told


def _failed(one: Failure) -> dict[str, Any]:
    """Return an item of the Failed SOP Sequence, with the reason in words as Error Comment (PS3.7 C.4.2)."""
    return {
        "00000902": _value("LO", one.reason[:64]),
        "00081150": _value("UI", one.sop_class_uid),
        "00081155": _value("UI", one.sop_instance_uid),
        "00081197": {"vr": "US", "Value": [one.code]},
    }


def _value(vr: str, text: str) -> dict[str, Any]:
    return {"vr": vr, "Value": [text]} if text else {"vr": vr}
