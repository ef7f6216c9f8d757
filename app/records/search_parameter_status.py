"""`$status` of a SearchParameter: whether it can be asked for, and how far indexing is."""

from typing import Any

import orjson

from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.search_parameters.follow import source_of
from app.records.search_parameters.kept import Kept, all_kept, sources
from app.records.search_parameters.tables import ACTIVE, INDEXING, REMOVING
from fhir.errors import NotFound
from fhir.resource import parse
from fhir.store.types import NAMES

WORDS = {INDEXING: "indexing", ACTIVE: "active", REMOVING: "removing"}
"""What the states are called."""


async def search_parameter_status(request: FhirRequest) -> Response:
    """Answer how far a SearchParameter is: its own status, and a part for each resource type it is about.

    `state` is `indexing`, `active` (it can be asked for) or `off`; `percent` is how far indexing is.

    Raises:
        NotFound: it does not exist for the caller, or it is asked of another type.
    """
    request.check_accept()
    if request.type != "SearchParameter":
        raise NotFound(f"{request.path} is not an address of this server")
    found = parse(bytes((await request.record.read(request.type, request.id)).body))
    reader = request.hub.database.reader
    wanted = {number for number, by in (await sources(reader)).items() if source_of(request.id) in by}
    parts = [_part(one) for one in await all_kept(reader) if one.number in wanted]
    if found.get("status") == "active":
        # What R4 has in the same way can be asked for as R4's.
        known = {(part["part"][0]["valueCode"]) for part in parts}
        parts += [_named(base, "active", 100) for base in found["base"] if base not in known]
    else:
        parts = [_named(base, "off", 0) for base in found["base"]]
    about = [{"name": "url", "valueUri": found["url"]}, {"name": "code", "valueCode": found["code"]}]
    about.append({"name": "status", "valueCode": found["status"]})
    return fhir_response(orjson.dumps({"resourceType": "Parameters", "parameter": [*about, *parts]}))


def _part(one: Kept) -> dict[str, Any]:
    return _named(NAMES[one.type], WORDS[one.state], one.percent)


def _named(base: str, state: str, percent: int) -> dict[str, Any]:
    values = [{"name": "type", "valueCode": base}, {"name": "state", "valueCode": state}]
    return {"name": "base", "part": [*values, {"name": "percent", "valueInteger": percent}]}
