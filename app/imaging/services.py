"""Which service a method and a path mean; a new service is a file and a line here.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.3.html
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from app.imaging.bulk_data import bulk_data
from app.imaging.failures import translated
from app.imaging.frames import frames
from app.imaging.metadata import metadata
from app.imaging.qido import search
from app.imaging.rendered import rendered, thumbnail
from app.imaging.request import DicomRequest
from app.imaging.response import DicomResponse
from app.imaging.retrieve import retrieve
from app.imaging.stow import stow
from app.records.scoped import check_images
from dicom.attributes import Level
from dicom.values import is_uid
from fhir.errors import InvalidValue, MethodNotAllowed, NotFound


class Service(NamedTuple):
    """A service: its name in the audit log, the audit action, and what answers it."""

    code: str
    action: str
    answer: Callable[[DicomRequest], Awaitable[DicomResponse]]


def _wado(answer: Callable[[DicomRequest], Awaitable[DicomResponse]]) -> Service:
    return Service("wado", "R", answer)


def _qido(level: Level) -> Service:
    return Service("qido", "E", search(level))


_STOW = Service("stow", "C", stow)
_STUDY, _SERIES, _INSTANCE = "studies/*", "studies/*/series/*", "studies/*/series/*/instances/*"

SERVICES: dict[tuple[str, str], Service] = {
    ("POST", "studies"): _STOW,
    ("POST", _STUDY): _STOW,
    ("GET", "studies"): _qido(Level.STUDY),
    **{("GET", form): _qido(Level.SERIES) for form in ("series", f"{_STUDY}/series")},
    **{("GET", form): _qido(Level.INSTANCE) for form in ("instances", f"{_STUDY}/instances", f"{_SERIES}/instances")},
    **{("GET", form): _wado(retrieve) for form in (_STUDY, _SERIES, _INSTANCE)},
    **{("GET", f"{form}/metadata"): _wado(metadata) for form in (_STUDY, _SERIES, _INSTANCE)},
    **{("GET", f"{form}/thumbnail"): _wado(thumbnail) for form in (_STUDY, _SERIES, _INSTANCE)},
    ("GET", f"{_INSTANCE}/rendered"): _wado(rendered),
    ("GET", f"{_INSTANCE}/frames/*"): _wado(frames),
    ("GET", f"{_INSTANCE}/frames/*/rendered"): _wado(rendered),
    ("GET", f"{_INSTANCE}/frames/*/thumbnail"): _wado(thumbnail),
    ("GET", f"{_INSTANCE}/bulkdata/*"): _wado(bulk_data),
}
"""By method and the form of the path below `/dicomweb`."""

_FORMS = {form for _, form in SERVICES}
_NAMED = {"studies": "study", "series": "series", "instances": "instance", "frames": "frames"}
"""From the word before a part of the path to the attribute that it sets."""


def _form(request: DicomRequest) -> str:
    """Return the form of the request's path, and set what it names."""
    segments = request.path.removeprefix("/dicomweb").strip("/").split("/")
    words: list[str] = []
    for number, segment in enumerate(segments):
        before = segments[number - 1] if number and words[-1] != "*" else ""
        if before == "bulkdata":
            request.bulk = "/".join(segments[number:])
            return "/".join([*words, "*"])
        if before in _NAMED:
            setattr(request, _NAMED[before], segment)
            words.append("*")
        else:
            words.append(segment)
    return "/".join(words)


def find(request: DicomRequest) -> Callable[[DicomRequest], Awaitable[DicomResponse]]:
    """Return what answers a request, after naming it in the request.

    Raises:
        NotFound: the address means nothing.
        MethodNotAllowed: it does, for another method.
        InvalidValue: a UID in it is none.
    """
    form = _form(request)
    method = "GET" if request.method == "HEAD" else request.method
    service = SERVICES.get((method, form))
    if service is None:
        if form in _FORMS:
            allowed = [one for one in ("GET", "HEAD", "POST") if (one.replace("HEAD", "GET"), form) in SERVICES]
            raise MethodNotAllowed(f"{request.method[:20]} is not supported here", allowed=allowed)
        raise NotFound("This is not an address of the DICOMweb service")
    request.interaction, request.action = service.code, service.action
    if not all(is_uid(uid) for uid in (request.study, request.series, request.instance) if uid):
        raise InvalidValue("The address has a part that is no UID")
    check_images(request, request.study)
    return translated(service.answer)
