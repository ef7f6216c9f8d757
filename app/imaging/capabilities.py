"""What the DICOMweb door can do, as WADL and as JSON: made of the table of services.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.9.html
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from xml.sax.saxutils import quoteattr

import orjson

from app.imaging.request import DicomRequest
from app.imaging.response import etag, headers, not_modified
from app.records.response import Response, allow
from dicom.accept import Representation, choose
from dicom.attributes import ATTRIBUTES, DEPTH, Level
from dicom.transfer_syntaxes import MADE

METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
"""Of the addresses, in the order in which `Allow` names them."""
WADL, JSON = "application/vnd.sun.wadl+xml", "application/json"

_WORDS = {"studies": "study", "series": "series", "instances": "instance", "frames": "frames", "bulkdata": "bulkdata"}
_MODELS = ("application/dicom+json", 'multipart/related; type="application/dicom+xml"')
_PICTURES = ("image/jpeg", "image/png")
_FILES = ('multipart/related; type="application/dicom"', "application/dicom")
_OCTETS = ('multipart/related; type="application/octet-stream"', "application/octet-stream")
_FRAMES = (*_OCTETS, *(f'multipart/related; type="{one}"' for one in ("image/jpeg", "image/dicom-rle", "image/jls")))
MEDIA_TYPES: dict[str, tuple[str, ...]] = {
    "stow": ("application/dicom+json", "application/dicom+xml"),
    "qido": _MODELS,
    "dicom-delete": (),
    "options": (WADL, JSON),
    "metadata": _MODELS,
    "rendered": (*_PICTURES, *(f'multipart/related; type="{one}"' for one in _PICTURES)),
    "thumbnail": _PICTURES,
    "bulkdata": _OCTETS,
    "pixeldata": _OCTETS,
    "frames": _FRAMES,
    "wado": (*_FILES, *_PICTURES),
    "file": _FILES,
}
"""What is given, by the last word of an address or else by the service."""
_SENT = (
    *(f'multipart/related; type="{one}"' for one in ("application/dicom", "application/dicom+json")),
    *('multipart/related; type="application/dicom+xml"', "application/dicom"),
)
_OF_PICTURES = ("window", "viewport", "quality", "annotation")
_OF_SEARCHES = ("limit", "offset", "includefield", "fuzzymatching", "emptyvaluematching", "multiplevaluematching")
OF_WADO_URI = (
    *("requestType", "studyUID", "seriesUID", "objectUID", "contentType", "transferSyntax", "frameNumber", "rows"),
    *("columns", "region", "windowCenter", "windowWidth", "imageQuality", "annotation"),
)
_LEVELS = {"studies": Level.STUDY, "series": Level.SERIES, "instances": Level.INSTANCE}


class _Service(Protocol):
    """A line of the table of services."""

    @property
    def code(self) -> str:
        """Its name in the audit log."""
        ...


Services = Mapping[tuple[str, str], _Service]


def capabilities(services: Callable[[], Services]) -> Callable[[DicomRequest], Awaitable[Response]]:
    """Return what answers with the capabilities.

    Args:
        services: Gives the table: by method and form.
    """

    async def answer(request: DicomRequest) -> Response:
        chosen = choose(request.accept, [Representation(WADL), Representation(JSON)])
        found = described(services(), request.root)
        body = orjson.dumps(found) if chosen.media_type == JSON else _wadl(found)
        tag = etag([body.decode()], "capabilities")
        unchanged = not_modified(request, tag)
        if unchanged is not None:
            return unchanged
        response = Response(200, body, headers(chosen.media_type, tag))
        if request.method == "OPTIONS":
            response.headers.append(allow(methods(services(), request.form)))
        return response

    return answer


def methods(services: Services, form: str) -> list[str]:
    """Return the methods of an address of a form, in the order of METHODS."""
    known = {method for method, one in services if one == form} | {"OPTIONS"}
    return [one for one in METHODS if one.replace("HEAD", "GET") in known]


def described(services: Services, root: str) -> dict[str, Any]:
    """Return the services as a tree that both forms are written from."""
    resources: dict[str, list[dict[str, Any]]] = {}
    for (method, form), service in services.items():
        resources.setdefault(_path(form), []).append(_method(method, form, service.code))
    listed = [{"path": path, "methods": told} for path, told in resources.items()]
    return {"base": root + "/", "transferSyntaxes": list(MADE), "resources": listed}


def _path(form: str) -> str:
    words = form.split("/")
    return "/".join(f"{{{_WORDS[words[n - 1]]}}}" if word == "*" else word for n, word in enumerate(words))


def _method(method: str, form: str, code: str) -> dict[str, Any]:
    words = form.split("/")
    last = words[-1] if words[-1] != "*" else words[-2]
    kind = last if code == "wado" and last in MEDIA_TYPES else "file" if code == "wado" else code
    told: dict[str, Any] = {"name": method, "id": f"{code}-{method.lower()}-{form.replace('*', 'one')}"}
    told["query"] = _parameters(code, last)
    told["response"] = list(MEDIA_TYPES["wado" if form == "wado" else kind])
    if method == "POST":
        told["request"] = list(_SENT)
    return told


def _parameters(code: str, last: str) -> list[str]:
    if code == "qido":
        level = _LEVELS[last]
        return [*(one.keyword for one in ATTRIBUTES if DEPTH[one.level] <= DEPTH[level]), *_OF_SEARCHES]
    if last == "wado":
        return list(OF_WADO_URI)
    return ["accept", *(_OF_PICTURES if last in ("rendered", "thumbnail") else ())]


def _wadl(found: dict[str, Any]) -> bytes:
    """Return the services as WADL (https://www.w3.org/Submission/wadl/)."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<application xmlns="http://wadl.dev.java.net/2009/02">']
    parts.append(f"<resources base={quoteattr(found['base'])}>")
    for resource in found["resources"]:
        parts.append(f"<resource path={quoteattr(resource['path'])}>")
        for method in resource["methods"]:
            parts.append(f"<method name={quoteattr(method['name'])} id={quoteattr(method['id'])}><request>")
            parts += [f'<param name={quoteattr(name)} style="query"/>' for name in method["query"]]
            parts += [f"<representation mediaType={quoteattr(kind)}/>" for kind in method.get("request", ())]
            parts.append("</request><response>")
            parts += [f"<representation mediaType={quoteattr(kind)}/>" for kind in method["response"]]
            parts.append("</response></method>")
        parts.append("</resource>")
    return "".join([*parts, "</resources></application>"]).encode()
