"""Which service a method and a path mean; a new service is a file and a line here.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.3.html
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from app.imaging.bulk_data import all_bulk_data, bulk_data
from app.imaging.capabilities import Services, capabilities, methods
from app.imaging.delete import remove
from app.imaging.failures import translated
from app.imaging.frames import frames
from app.imaging.metadata import metadata
from app.imaging.pixel_data import pixel_data
from app.imaging.qido import search
from app.imaging.rendered import rendered, thumbnail
from app.imaging.request import DicomRequest
from app.imaging.response import DicomResponse
from app.imaging.retrieve import retrieve
from app.imaging.stow import stow
from app.imaging.wado_uri import wado_uri
from app.records.scoped import check_images
from dicom.attributes import Level
from dicom.values import is_uid
from fhir.errors import InvalidValue, MethodNotAllowed, NotFound, NotOffered


class Service(NamedTuple):
    """A service: its name in the audit log, the audit action, and what answers it."""

    code: str
    action: str
    answer: Callable[[DicomRequest], Awaitable[DicomResponse]]


def _wado(answer: Callable[[DicomRequest], Awaitable[DicomResponse]]) -> Service:
    return Service("wado", "R", answer)


def _qido(level: Level) -> Service:
    return Service("qido", "E", search(level))


def _services() -> Services:
    return SERVICES


_STOW = Service("stow", "C", stow)
_DELETE = Service("dicom-delete", "D", remove)
_OPTIONS = Service("options", "R", capabilities(_services))
_STUDY, _SERIES, _INSTANCE = "studies/*", "studies/*/series/*", "studies/*/series/*/instances/*"
_PLACES = (_STUDY, _SERIES, _INSTANCE)
_PARTS: dict[str, Callable[[DicomRequest], Awaitable[DicomResponse]]] = {
    "metadata": metadata,
    "rendered": rendered,
    "thumbnail": thumbnail,
    "bulkdata": all_bulk_data,
    "pixeldata": pixel_data,
}
"""What is there of a study, a series and an instance alike."""

SERVICES: dict[tuple[str, str], Service] = {
    ("POST", "studies"): _STOW,
    ("POST", _STUDY): _STOW,
    **{("DELETE", form): _DELETE for form in _PLACES},
    ("GET", "capabilities"): _OPTIONS,
    ("GET", "wado"): _wado(wado_uri),
    ("GET", "studies"): _qido(Level.STUDY),
    **{("GET", form): _qido(Level.SERIES) for form in ("series", f"{_STUDY}/series")},
    **{("GET", form): _qido(Level.INSTANCE) for form in ("instances", f"{_STUDY}/instances", f"{_SERIES}/instances")},
    **{("GET", form): _wado(retrieve) for form in _PLACES},
    **{("GET", f"{form}/{word}"): _wado(answer) for form in _PLACES for word, answer in _PARTS.items()},
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
        NotOffered: it is that of a service that is not there.
        InvalidValue: a UID in it is none.
    """
    form = request.form = _form(request)
    method = "GET" if request.method == "HEAD" else request.method
    service = SERVICES.get((method, form))
    if method == "OPTIONS" and form in {*_FORMS, ""}:
        service = _OPTIONS
    if service is None:
        if form.partition("/")[0] == "workitems":
            raise NotOffered("There is no worklist service (UPS-RS) here")
        if form in _FORMS:
            allowed = methods(SERVICES, form)
            raise MethodNotAllowed(f"{request.method[:20]} is not supported here", allowed=allowed)
        raise NotFound("This is not an address of the DICOMweb service")
    request.interaction, request.action = service.code, service.action
    if not all(is_uid(uid) for uid in (request.study, request.series, request.instance) if uid):
        raise InvalidValue("The address has a part that is no UID")
    if service is not _OPTIONS:
        check_images(request, request.study)
    return translated(service.answer)
