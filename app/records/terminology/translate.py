"""`$translate`: what a code is in another code system. https://hl7.org/fhir/R4/conceptmap-operation-translate.html."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.identity.scope import patient_keys
from app.records.query import read_query
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.terminology.asked import CODING, CONCEPT, FLAG, PARTS, RESOURCE, TEXT, Asked, read_asked
from app.records.terminology.known import terminology, unknown
from app.records.terminology.stored import overlay
from fhir.errors import InvalidValue, NotFound
from fhir.operations.translate import Wanted
from fhir.operations.translate import translate as translated
from fhir.profiles.definitions import MALFORMED
from fhir.resource import parse
from fhir.search.run import search
from fhir.search.values import escape
from fhir.terminology.concept_map import ConceptMap
from fhir.terminology.references import Name, references
from fhir.terminology.sources import Terminology

KINDS: Mapping[str, str] = {
    **dict.fromkeys(("url", "conceptMapVersion", "code", "system", "version", "source", "target"), TEXT),
    "targetsystem": TEXT,
    "conceptMap": RESOURCE,
    "coding": CODING,
    "codeableConcept": CONCEPT,
    "dependency": PARTS,
    "reverse": FLAG,
}

MOST_MAPS = 50
"""The most stored maps that are read for one code when none is named."""


def _dependency(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in parts:
        found[str(one.get("name"))] = next((value for name, value in one.items() if name.startswith("value")), None)
    if not isinstance(found.get("element"), str) or not isinstance(found.get("concept"), dict):
        raise InvalidValue("A dependency has an element and a concept", "dependency")
    return found


def _wanted(asked: Asked, *, named: bool) -> Wanted:
    """Return what is to be translated; `named` is whether the address names the map.

    Raises:
        InvalidValue: no code is named, or not its system where no map is named.
    """
    codes = [(one.system or "", one.code) for one in asked.codes(any_system=True)]
    if not named and not any(asked.all(name) for name in ("url", "conceptMap")) and not all(one for one, _ in codes):
        raise InvalidValue("A code needs its system, or the map that is to be read", "system")
    dependencies = [_dependency(one) for one in asked.all("dependency")]
    return Wanted(codes, asked.text("targetsystem"), asked.flag("reverse"), dependencies)


async def _named(request: FhirRequest, asked: Asked) -> tuple[list[ConceptMap], Terminology]:
    """Return the map that is named, and what is known beside it."""
    url, inline = asked.text("url"), asked.resource("conceptMap", "ConceptMap")
    if len([way for way in (url, inline, request.id) if way]) > 1:
        raise InvalidValue("One map is named: by the address, by url, or in conceptMap", "url")
    if request.id:
        stored = await request.record.read("ConceptMap", request.id)
        made = request.hub.terms.of(stored)[1]
        known = await terminology(request, references(parse(stored.body)))
        return [] if made is None else [made], known
    if inline is not None:
        known = await terminology(request, (), [inline])
        try:
            return [await asyncio.to_thread(ConceptMap, inline)], known
        except MALFORMED as error:
            raise InvalidValue("The map cannot be read", "conceptMap") from error
    version = asked.text("conceptMapVersion")
    canonical = f"{url}|{version}" if version and "|" not in url else url
    known = await terminology(request, [Name("ConceptMap", canonical)])
    if known.known("ConceptMap", canonical) is None:
        raise unknown("concept map", canonical, "url")
    found = await asyncio.to_thread(known.concept_map, canonical)
    return [] if found is None else [found], known


async def _every(request: FhirRequest, wanted: Wanted) -> tuple[list[ConceptMap], Terminology]:
    """Return the maps that may translate the codes: those known beside the store, and the stored ones with the code."""
    code = "target-code" if wanted.back else "source-code"
    codes = ",".join(dict.fromkeys(escape(one) for _, one in wanted.codes))
    query = read_query(request.hub, "ConceptMap", [(code, codes), ("_total", "none")])
    record = request.record
    page = await search(record.connection, record.visibility, query, patient_keys, limit=MOST_MAPS)
    record.disclosed += page.matches
    names = [name for one in page.matches for name in references(parse(one.body))]
    known = await terminology(request, names)
    stored = overlay(request.hub.terms, page.matches)
    maps = [stored.kept.get(("ConceptMap", one.url, one.version)) for one in stored.of_type("ConceptMap")]
    others = await asyncio.to_thread(known.concept_maps)
    found = {(one.url, one.version): one for one in (*maps, *others) if one is not None}
    return list(found.values()), known


def _leads(one: ConceptMap, source: str, target: str) -> bool:
    """Return whether a map leads from a value set, to a value set, as far as they are named."""
    return all(
        not wanted or wanted.partition("|")[0] == has.partition("|")[0]
        for wanted, has in ((source, one.source), (target, one.target))
    )


async def translate(request: FhirRequest) -> Response:
    """Answer what codes are translated to.

    Raises:
        NotFound: it is asked of another type, or the map does not exist for the caller.
        InvalidValue: no code is named.
    """
    request.check_accept()
    if request.type != "ConceptMap":
        raise NotFound(f"{request.path} is not an address of this server")
    asked = await read_asked(request, KINDS)
    wanted = _wanted(asked, named=bool(request.id))
    source, target = asked.text("source"), asked.text("target")
    if request.id or asked.all("url") or asked.all("conceptMap"):
        maps, known = await _named(request, asked)
    else:
        maps, known = await _every(request, wanted)
    source, target = (target, source) if wanted.back else (source, target)
    chosen = [one for one in maps if _leads(one, source, target)]
    answer = await asyncio.to_thread(translated, chosen, wanted, known.concept_map)
    return fhir_response(orjson.dumps(answer))
