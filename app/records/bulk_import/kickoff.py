"""The kick-off of an import, for the operator's own systems alone.

https://github.com/smart-on-fhir/bulk-import/blob/master/import-manifest.md
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from app.access.directory import Organisation, organisations
from app.records.bulk_import.job import IMPORTS, Input, Wanted
from app.records.bulk_import.source import inside
from app.records.jobs.job import NEVER, asked_by, new_id
from app.records.parameters import PARAMETERS_BYTES, parameters_of
from app.records.request import FhirRequest
from app.records.response import Response, outcome_response
from fhir.errors import Forbidden, InvalidValue, NotSupported
from fhir.issue import Issue
from fhir.store.types import NUMBERS

MOST_INPUTS = 1_000
"""Files of one import."""

_FORMATS = ("application/fhir+ndjson", "application/ndjson", "ndjson")
_MODES = ("IncrementalLoad", "InitialLoad")


def _check(request: FhirRequest) -> Path:
    """Return the folder of imports.

    Raises:
        Forbidden: the caller is no system of the operator's.
        InvalidValue: the request does not say that it waits.
        NotSupported: there is no folder.
    """
    if request.caller.account or request.caller.role != "operator":
        raise Forbidden("Only a system of the operator's imports")
    if b"respond-async" not in request.headers.get(b"prefer", b""):
        raise InvalidValue("An import is asked for with Prefer: respond-async", "Prefer")
    folder = request.hub.settings.import_folder
    if folder is None:
        raise NotSupported("This hub has no folder of imports (RENKEI_IMPORT_FOLDER)")
    return folder


def _value(one: dict[str, Any], path: str) -> str:
    """Return the value of a parameter as text; of a reference what it refers to."""
    found = [value for name, value in one.items() if name.startswith("value")]
    if len(found) == 1 and isinstance(found[0], dict):
        found = [found[0].get("reference")]
    if len(found) != 1 or not isinstance(found[0], str):
        raise InvalidValue(f"{one['name']} has one value", path)
    return str(found[0])


def _input(one: dict[str, Any], folder: Path, path: str) -> Input:
    parts = {part["name"]: _value(part, f"{path}.part") for part in one.get("part", ())}
    if "url" not in parts or parts.keys() - {"type", "url"}:
        raise InvalidValue("An input has the parts url and type", path)
    type_name = parts.get("type", "")
    if type_name and type_name not in NUMBERS:
        raise InvalidValue(f"{type_name[:50]!r} is not a resource type that is stored", path)
    return Input(type_name, parts["url"], str(inside(folder, parts["url"])))


async def _site(request: FhirRequest, reference: str | None) -> Organisation:
    found = await organisations(request.hub.database.reader)
    site = next((one for one in found if one.reference == reference), None)
    if site is None:
        raise InvalidValue("custodian refers to the Organization of a site", "custodian")
    return site


async def _asked(request: FhirRequest, folder: Path) -> Wanted:
    request.check_content_type()
    single: dict[str, str] = {}
    inputs: list[Input] = []
    for number, one in enumerate(parameters_of(await request.body(PARAMETERS_BYTES))):
        path, name = f"Parameters.parameter[{number}]", one["name"]
        if name == "input":
            inputs.append(_input(one, folder, path))
        elif name not in ("inputFormat", "inputSource", "mode", "custodian") or name in single:
            raise InvalidValue(f"{name} is not a parameter of this operation, or is there twice", path)
        else:
            single[name] = _value(one, path)
    if single.get("inputFormat", _FORMATS[0]) not in _FORMATS:
        raise NotSupported("Files are application/fhir+ndjson", "inputFormat")
    if single.get("mode", _MODES[0]) not in _MODES:
        raise NotSupported(f"The mode is one of {', '.join(_MODES)}", "mode")
    if not 0 < len(inputs) <= MOST_INPUTS:
        raise InvalidValue(f"An import has 1 to {MOST_INPUTS} inputs", "input")
    site = await _site(request, single.get("custodian"))
    return Wanted(tuple(inputs), site.key, single.get("inputSource", ""), request.caller.client)


async def import_(request: FhirRequest) -> Response:
    """Put an import in the queue and say where to ask for it.

    Raises:
        FhirError: the caller may not, what is asked for cannot be imported, or too many imports are under way.
    """
    request.check_accept()
    folder = _check(request)
    wanted = await _asked(request, folder)
    job = asked_by(request, new_id(), wanted.text(), f"{request.hub.settings.address}{request.path}")
    await IMPORTS.add(request.hub.database, replace(job, ends=NEVER))
    request.hub.imports_wait.set()
    response = outcome_response(202, [Issue("information", "informational", "", "The import has begun")])
    response.headers.append(
        (b"content-location", f"{request.hub.settings.address}/fhir/$import-status/{job.id}".encode())
    )
    return response
