"""STOW-RS: https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html."""

from typing import Any

import orjson

from app.imaging.filing import Filed
from app.imaging.keep import Failure, Received
from app.imaging.receive import receive
from app.imaging.request import DicomRequest
from app.imaging.response import DICOM_JSON, headers
from app.imaging.stored import stored
from app.records.response import Response
from dicom.accept import Representation, choose
from dicom.media_types import parse
from fhir.errors import Forbidden, InvalidValue, UnsupportedMediaType
from fhir.store.categories import Category


async def stow(request: DicomRequest) -> Response:
    """Store the instances in the body; what is sound is stored, whatever the rest is.

    Raises:
        UnsupportedMediaType: the body is not multipart/related of application/dicom.
        NotAcceptable: the answer, DICOM JSON, is not taken.
        Forbidden: the role stores no images.
        InvalidValue: the body has no part.
    """
    if not request.authority.may_write(Category.IMAGING):
        raise Forbidden("This role does not store images")
    _check_content_type(request)
    choose(request.accept, [Representation(DICOM_JSON)])
    parts = [one async for one in receive(request)]
    if not parts:
        raise InvalidValue("The body has no part")
    received = [one for one in parts if isinstance(one, Received)]
    filed = await stored(request, received) if received else Filed()
    filed.failures[:0] = [one for one in parts if isinstance(one, Failure)]
    return Response(_status(filed), orjson.dumps(_answer(request, filed)), headers(DICOM_JSON))


def _check_content_type(request: DicomRequest) -> None:
    found = parse(request.headers.get(b"content-type", b"").decode("latin-1"))
    if not found or found[0].name != "multipart/related":
        raise UnsupportedMediaType("Instances are sent as multipart/related")
    if found[0].parameter("type", "application/dicom").lower() != "application/dicom":
        raise UnsupportedMediaType("The parts are application/dicom; metadata and bulk data apart are not read")
    if request.headers.get(b"content-encoding", b"identity") != b"identity":
        raise UnsupportedMediaType("A compressed body is not read")


def _status(filed: Filed) -> int:
    """Return the status of PS3.18 table 10.5.3-1."""
    if not filed.stored:
        return 409
    return 202 if filed.failures else 200


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
    place = f"studies/{facts.study.study_instance_uid}/series/{facts.series.series_instance_uid}"
    return {
        "00081150": _value("UI", one.sop_class_uid),
        "00081155": _value("UI", one.sop_instance_uid),
        "00081190": _value("UR", f"{request.root}/{place}/instances/{one.sop_instance_uid}"),
    }


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
