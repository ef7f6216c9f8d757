"""`$expand`: the codes of a value set. https://hl7.org/fhir/R4/valueset-operation-expand.html."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.terminology.asked import FLAG, TEXT, WHOLE, Asked, read_asked
from app.records.terminology.value_set import KINDS as OF_VALUE_SET
from app.records.terminology.value_set import Meant, meant
from fhir.errors import InvalidValue, NotFound, UnknownTerminology
from fhir.operations.expand import Wanted
from fhir.operations.expand import expand as expanded
from fhir.terminology.display import languages
from fhir.terminology.sources import Versions

KINDS: Mapping[str, str] = {
    **OF_VALUE_SET,
    **dict.fromkeys(("offset", "count"), WHOLE),
    **dict.fromkeys(("filter", "designation", "displayLanguage", "exclude-system"), TEXT),
    **dict.fromkeys(("system-version", "check-system-version", "force-system-version"), TEXT),
    **dict.fromkeys(("activeOnly", "includeDesignations", "includeDefinition"), FLAG),
    **dict.fromkeys(("excludeNested", "excludeNotForUI", "excludePostCoordinated"), FLAG),
}

_ECHOED = {
    **dict.fromkeys(("offset", "count"), "valueInteger"),
    **dict.fromkeys(("filter", "designation"), "valueString"),
    "displayLanguage": "valueCode",
    **dict.fromkeys(("exclude-system", "system-version", "check-system-version"), "valueUri"),
    "force-system-version": "valueUri",
    **{name: "valueBoolean" for name, kind in KINDS.items() if kind == FLAG},
}
"""How `expansion.parameter` says what was asked."""


def _echoed(asked: Asked) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, kind in _ECHOED.items():
        for text in asked.all(name):
            value = int(text) if kind == "valueInteger" else text == "true" if kind == "valueBoolean" else text
            found.append({"name": name, kind: value})
    return found


def _versions(asked: Asked, name: str) -> dict[str, str]:
    found = {}
    for text in asked.all(name):
        url, bar, version = text.rpartition("|")
        if not bar or not url or not version:
            raise InvalidValue(f"{name} is [system]|[version]", name)
        found[url] = version
    return found


def _wanted(asked: Asked) -> Wanted:
    return Wanted(
        text=asked.text("filter"),
        offset=asked.whole("offset") or 0,
        count=asked.whole("count"),
        active_only=asked.flag("activeOnly"),
        selectable_only=asked.flag("excludeNotForUI"),
        with_designations=asked.flag("includeDesignations") or bool(asked.all("designation")),
        designations=tuple(asked.all("designation")),
        languages=languages(asked.text("displayLanguage")),
        without_systems=frozenset(asked.all("exclude-system")),
        with_definition=asked.flag("includeDefinition"),
    )


def _check_versions(meant_: Meant, demanded: Mapping[str, str]) -> None:
    for part in meant_.members.parts():
        wanted = demanded.get(part.table.url)
        if wanted is not None and part.table.version != wanted:
            told = f"{part.table.url} is here in version {part.table.version or 'unknown'}, not {wanted}"
            raise UnknownTerminology(told, "check-system-version")


async def expand(request: FhirRequest) -> Response:
    """Answer the expansion of a value set.

    Raises:
        NotFound: it is asked of another type, or the value set does not exist for the caller.
        UnknownTerminology: it cannot be listed with what is known here.
        TooCostly: there are more codes than an answer holds.
    """
    request.check_accept()
    if request.type != "ValueSet":
        raise NotFound(f"{request.path} is not an address of this server")
    asked = await read_asked(request, KINDS)
    wanted, demanded = _wanted(asked), _versions(asked, "check-system-version")
    versions = Versions({**demanded, **_versions(asked, "system-version")}, _versions(asked, "force-system-version"))
    found = await meant(request, asked, versions)
    _check_versions(found, demanded)
    for flag in ("excludeNested", "excludePostCoordinated"):
        # Neither changes anything: codes are never nested here, and never put together of others.
        asked.flag(flag)
    answer = await asyncio.to_thread(
        expanded,
        found.resource,
        found.members,
        wanted,
        timestamp=datetime.fromtimestamp(request.now / 1_000_000, UTC).isoformat(timespec="milliseconds"),
        echoed=_echoed(asked),
    )
    return fhir_response(orjson.dumps(answer))
