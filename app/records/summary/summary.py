"""`$summary`: the International Patient Summary of what the caller may see.

http://hl7.org/fhir/uv/ips/OperationDefinition/summary
"""

from dataclasses import dataclass
from typing import Literal

from app.exchange.domains import token_of
from app.identity.scope import patient_keys
from app.languages import Language, accepted, is_language
from app.records.enumeration import Asking
from app.records.parameters import one_of, only, operation_pairs
from app.records.query import read_query
from app.records.record import NEWEST, known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.signatures.seal import sealed
from app.records.summary.keep import keep_on_demand, keep_snapshot
from app.records.summary.make import make
from fhir.errors import InvalidValue, MultipleMatches, NotFound, NotSupported
from fhir.search.run import search
from fhir.store.stored import Stored
from fhir.store.walk import Span

_IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/"

PROFILES = frozenset((f"{_IPS}Bundle-uv-ips", f"{_IPS}Composition-uv-ips"))
"""What a summary can be asked for to be, in whatever version."""

MOST_FOUND = 20
"""Patients with the identifier that is asked for that are looked at."""

Persist = Literal["", "snapshot", "on-demand"]

_PERSIST: dict[str, Persist] = {"false": "", "true": "snapshot", "snapshot": "snapshot", "on-demand": "on-demand"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for."""

    identifier: str | None
    language: Language
    persist: Persist


async def read_asked(request: FhirRequest) -> Asked:
    """Return what a request asks for.

    Raises:
        InvalidValue: a parameter is not one of the operation, or has a value that it cannot have.
        NotSupported: another profile, or a graph, is asked for.
    """
    # 1.1 writes the parameter's name with a letter missing.
    found = only(
        await operation_pairs(request), ("identifier", "identifer", "profile", "graph", "_language", "persist")
    )
    profile = one_of(found, "profile")
    if profile is not None and profile.partition("|")[0] not in PROFILES:
        raise NotSupported(f"A summary is made as {_IPS}Bundle-uv-ips says", "profile")
    if "graph" in found:
        raise NotSupported("A summary is not made by a graph", "graph")
    identifier = one_of({"identifier": [*found.get("identifier", ()), *found.get("identifer", ())]}, "identifier")
    persist = one_of(found, "persist") or "false"
    if persist not in _PERSIST:
        raise InvalidValue(f"persist is one of {', '.join(_PERSIST)}", "persist")
    if _PERSIST[persist] and request.method != "POST":
        raise InvalidValue("What is kept is asked for by POST", "persist")
    return Asked(identifier, _language(request, one_of(found, "_language")), _PERSIST[persist])


def _language(request: FhirRequest, stated: str | None) -> Language:
    if stated is None:
        return accepted(request.headers.get(b"accept-language", b"").decode("latin-1"))
    language = stated.lower().partition("-")[0]
    if not is_language(language):
        raise NotSupported("A summary is written in Japanese (ja) or in English (en)", "_language")
    return language


async def _by_identifier(request: FhirRequest, text: str) -> Stored:
    """Return the Patient with an identifier, that of the caller's own site first.

    Raises:
        NotFound: there is none that exists for the caller.
        MultipleMatches: several persons have it: a household's insurance.
    """
    system, bar, value = text.partition("|")
    if not value if bar else not text:
        raise InvalidValue("identifier is written as system|value", "identifier")
    token = token_of(system, value) if bar else token_of(text)[:-1]
    asking = Asking(request, by_number=bool(system and value))
    record = request.record
    query = read_query(request.hub, "Patient", [("identifier", token), ("_total", "none")])
    page = await search(record.connection, record.visibility, query, patient_keys, limit=MOST_FOUND)
    asking.found(page.matches)
    if not page.matches:
        raise NotFound("There is no Patient with this identifier", "identifier")
    found = sorted(page.matches, key=lambda one: (one.custodian != request.caller.organisation, one.row))
    keys = await record.keys_of_person(found[0].id, ("Patient",), Span(), limit=MOST_FOUND, before=NEWEST)
    if {one.patient_key for one in found} - {one.patient_key for one in keys} or page.after is not None:
        raise MultipleMatches("Several persons have this identifier", "identifier")
    return await record.read("Patient", found[0].id)


async def patient_asked(request: FhirRequest, asked: Asked) -> Stored:
    """Return the Patient whose summary is asked for.

    Raises:
        NotFound: it does not exist for the caller, or another type is asked.
        InvalidValue: none is named, or one in two ways.
    """
    if request.type != "Patient":
        known_type(request.type)
        raise NotFound(f"{request.path} is not an address of this server")
    if request.id:
        if asked.identifier is not None:
            raise InvalidValue("The Patient is named by the address already", "identifier")
        return await request.record.read("Patient", request.id)
    if asked.identifier is None:
        raise InvalidValue("A summary is that of one Patient: identifier is missing", "identifier")
    return await _by_identifier(request, asked.identifier)


async def summary(request: FhirRequest) -> Response:
    """Answer a person's summary over all sites, as a document; keep one when `persist` says so."""
    request.check_accept()
    asked = await read_asked(request)
    patient = await patient_asked(request, asked)
    if asked.persist == "on-demand":
        return await keep_on_demand(request, patient)
    if asked.persist == "snapshot":
        return await keep_snapshot(request, patient, asked.language)
    made = await make(request, patient, asked.language)
    request.record.disclosed[:] = made.stored
    response = fhir_response(await sealed(request.hub, made.summary.body))
    response.headers.append((b"content-language", asked.language.encode()))
    return response
