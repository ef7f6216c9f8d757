"""The DICOMweb door in the OpenAPI document: a path for each form of `SERVICES`.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_10.html
"""

from typing import Any

from app.imaging.capabilities import OF_WADO_URI
from app.imaging.services import SERVICES
from app.openapi.answers import refusals
from app.openapi.search import query_parameter
from dicom.attributes import ATTRIBUTES

_UID = {"type": "string", "pattern": r"^[0-9.]{1,64}$"}
_NAMES = {
    "studies": ("study", _UID, "StudyInstanceUID."),
    "series": ("series", _UID, "SeriesInstanceUID."),
    "instances": ("instance", _UID, "SOPInstanceUID."),
    "frames": ("frames", {"type": "string", "pattern": "^[0-9,]+$"}, "Numbers of frames from 1, parted by commas."),
    "bulkdata": ("bulkdata", {"type": "string"}, "As a metadata answer names it."),
}
"""From the word before a star to what stands for it."""

_TEXTS = {
    "stow": "Store instances (STOW-RS).",
    "qido": "Search (QIDO-RS).",
    "wado": "Retrieve (WADO-RS, WADO-URI).",
    "dicom-delete": "Delete the caller's own copies.",
    "options": "The capabilities of the service.",
}
_CONTENT = {
    "qido": "application/dicom+json",
    "stow": "application/dicom+json",
    "metadata": "application/dicom+json",
    "rendered": "image/jpeg",
    "thumbnail": "image/jpeg",
    "wado": "image/jpeg",
    "options": "application/json",
}
_PAGE: dict[str, tuple[dict[str, Any], str]] = {
    "limit": ({"type": "integer", "minimum": 1}, "The most results."),
    "offset": ({"type": "integer", "minimum": 0}, "Results that are left out at the beginning."),
    "includefield": ({"type": "string"}, "Attributes that are wanted, or `all`."),
    "fuzzymatching": (
        {"type": "string", "enum": ["true", "false"]},
        "Whether words of names match by how they begin and sound.",
    ),
}


def _place(form: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the path of a form and the parameters in it."""
    words: list[str] = []
    found = []
    before = ""
    for word in form.split("/"):
        if word == "*":
            name, schema, about = _NAMES[before]
            found.append({"name": name, "in": "path", "required": True, "description": about, "schema": schema})
            words.append(f"{{{name}}}")
        else:
            words.append(word)
        before = word
    return "/".join(["/dicomweb", *words]), found


def _query(code: str, form: str) -> list[dict[str, Any]]:
    if form == "wado":
        return [query_parameter(name, {"type": "string"}, f"As PS3.18 9.4 says of {name}.") for name in OF_WADO_URI]
    if code != "qido":
        return []
    known = [
        query_parameter(one.keyword, {"type": "string"}, f"The attribute {one.keyword}, or by its tag.")
        for one in ATTRIBUTES
    ]
    return [*known, *(query_parameter(name, *told) for name, told in _PAGE.items())]


def _operation(method: str, form: str, code: str) -> dict[str, Any]:
    last = form.rpartition("/")[2]
    kind = _CONTENT.get(last) or (code != "wado" and _CONTENT.get(code)) or "multipart/related"
    done = {"description": "Done.", "content": {kind: {"schema": {}}}}
    told: dict[str, Any] = {
        "operationId": "-".join([code, method.lower(), *(word if word != "*" else "one" for word in form.split("/"))]),
        "tags": ["DICOMweb"],
        "summary": last if last != "*" else code,
        "description": _TEXTS[code],
        "parameters": _query(code, form),
        "responses": {"200": done, **refusals(writes=method != "GET", more=("410",))},
        "security": [{"token": []}],
    }
    if method == "DELETE":
        told["responses"]["204"] = {"description": "Deleted."}
        del told["responses"]["200"]
    if method == "POST":
        told["responses"]["202"] = {"description": "Some instances were stored, some not.", "content": done["content"]}
        told["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": {"type": "string"}} for kind in ("multipart/related", "application/dicom")},
        }
    return told


def dicomweb_paths() -> dict[str, Any]:
    """Return the paths of the DICOMweb door."""
    paths: dict[str, Any] = {}
    for (method, form), service in SERVICES.items():
        path, parameters = _place(form)
        found = paths.setdefault(path, {"parameters": parameters})
        found[method.lower()] = _operation(method, form, service.code)
    return paths
