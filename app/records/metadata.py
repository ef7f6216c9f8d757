"""capabilities: what `GET /fhir/metadata` answers, in each of its modes.

https://hl7.org/fhir/R4/http.html#capabilities
"""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from app.records.capabilities import capability_statement
from app.records.parts import NAMES
from app.records.request import decode_pairs
from app.records.response import Response, fhir_response
from app.records.terminology.capabilities import terminology_capabilities
from fhir.errors import InvalidValue
from fhir.search import control
from fhir.subset import chosen, part

if TYPE_CHECKING:
    from app.hub import Hub

MODES = ("full", "normative", "terminology")

_TRIAL_USE = {
    "rest": ("security",),
    "resource": (
        *("supportedProfile", "versioning", "readHistory", "updateCreate", "conditionalCreate", "conditionalRead"),
        *("conditionalUpdate", "conditionalDelete", "referencePolicy", "searchInclude", "searchRevInclude"),
    ),
}
"""The elements of a CapabilityStatement that R4 marks as being on trial."""


@lru_cache(maxsize=4)
def _normative(statement: bytes) -> bytes:
    """Return what of a statement is normative."""
    whole: dict[str, Any] = orjson.loads(statement)
    for rest in whole["rest"]:
        for name in _TRIAL_USE["rest"]:
            rest.pop(name, None)
        for resource in rest["resource"]:
            for name in _TRIAL_USE["resource"]:
                resource.pop(name, None)
    return orjson.dumps(whole)


async def metadata(hub: "Hub", query: bytes) -> Response:
    """Answer what the hub can do, to anybody.

    Args:
        hub: The running hub.
        query: The query, undecoded.

    Raises:
        InvalidValue: there is no such mode, a value is not of its parameter's form, or there is no such element.
        DatabaseUnavailable: what is loaded cannot be read.
    """
    pairs = decode_pairs(query)
    mode = control.once(pairs, "mode") or "full"
    if mode not in MODES:
        raise InvalidValue(f"The mode is one of {', '.join(MODES)}", "mode")
    settings = hub.settings
    if mode == "terminology":
        definitions = await hub.packages.current()
        body = await asyncio.to_thread(terminology_capabilities, definitions, settings.address)
        return fhir_response(_wanted(body, pairs, "TerminologyCapabilities"))
    known = await hub.search_parameters.refresh()
    statement = capability_statement(settings.address, settings.conditional_delete, known)
    body = _normative(statement) if mode == "normative" else statement
    return fhir_response(_wanted(body, pairs, "CapabilityStatement"))


def _wanted(body: bytes, pairs: Sequence[tuple[str, str]], type_name: str) -> bytes:
    """Return what `_summary` or `_elements` want of a statement."""
    fields: dict[str, Any] = {}
    for name, text in pairs:
        if name in NAMES:
            control.read(fields, name, text)
    summary = fields.get("summary")
    if summary == "count":
        raise InvalidValue("_summary=count is for searches", "_summary")
    subset = chosen(summary, fields.get("elements", ()), (type_name,))
    return body if subset is None else part(body, subset, asked=True)
