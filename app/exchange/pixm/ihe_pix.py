"""`$ihe-pix`: the other identifiers of the person who has one (ITI-83).

https://profiles.ihe.net/ITI/PIXm/ITI-83.html
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from app.exchange.domains import owner_of, recognised, token_of
from app.identity.person import identifiers_of, patients_of, person_of
from app.identity.replaced import is_replaced
from app.identity.scope import patient_keys
from app.records.enumeration import Asking
from app.records.format import written_for
from app.records.parameters import Pairs, one_of, only, stated_pairs
from app.records.query import read_query
from app.records.request import FhirRequest
from app.records.response import FhirResponse, fhir_response
from fhir.errors import Deleted, FhirError, InvalidValue, MultipleMatches, NotFound
from fhir.resource import parse
from fhir.search.run import search
from fhir.spec.identifier_systems import forms
from fhir.store.stored import Stored

MOST_SOURCES = 20
"""Patients with the identifier that is asked for that are looked at."""

MOST_TARGETS = 50
"""Domains that one request may name."""


class UnknownSource(FhirError):
    """The domain of `sourceIdentifier` is not one that the hub knows."""

    status = 400
    code = "code-invalid"


class UnknownTarget(FhirError):
    """A domain of `targetSystem` is not one that the hub knows."""

    status = 403
    code = "code-invalid"


def _not_found() -> NotFound:
    return NotFound("sourceIdentifier Patient Identifier not found", "sourceIdentifier")


def _source(found: dict[str, list[str]]) -> tuple[str, str]:
    text = one_of(found, "sourceIdentifier")
    system, bar, value = (text or "").partition("|")
    if not (system and bar and value):
        raise InvalidValue("sourceIdentifier is needed once, as system|value", "sourceIdentifier")
    return system, value


def _own_names(request: FhirRequest) -> tuple[str, str]:
    """Return the systems that mean the hub's own ids."""
    return request.hub.settings.fhir_address, f"{request.hub.settings.fhir_address}/"


async def _by_id(request: FhirRequest, value: str) -> list[Stored]:
    kind, _, id_ = value.partition("/")
    try:
        return [await request.record.read("Patient", id_)] if kind == "Patient" and id_ else []
    except (NotFound, Deleted):
        return []


async def _sources(request: FhirRequest, system: str, value: str) -> list[Stored]:
    """Return the Patients that exist for the caller and have an identifier, as whoever gives it says."""
    if system in _own_names(request):
        return await _by_id(request, value)
    record = request.record
    query = read_query(request.hub, "Patient", [("identifier", token_of(system, value))])
    page = await search(record.connection, record.visibility, query, patient_keys, limit=MOST_SOURCES)
    owner = await owner_of(record.connection, system)
    return [one for one in page.matches if owner in (None, one.custodian)]


async def _person(request: FhirRequest, system: str, value: str) -> tuple[int, list[Stored]]:
    """Return the person who has an identifier, and the Patients that say so.

    Raises:
        NotFound: nobody has it, as far as the caller sees.
        UnknownSource: nor is the domain known.
        MultipleMatches: several persons have it: a household's insurance.
    """
    asking = Asking(request, by_number=system not in _own_names(request))
    found = await _sources(request, system, value)
    if asking.by_number:
        asking.found(found)
    if not found:
        if system not in _own_names(request) and not await recognised(request, system):
            raise UnknownSource("sourceIdentifier Assigning Authority not found", "sourceIdentifier")
        raise _not_found()
    persons = {await person_of(request.record.connection, one.patient_key) for one in found}
    if len(persons) > 1:
        raise MultipleMatches("Several persons have this identifier", "sourceIdentifier")
    person = persons.pop()
    if person is None:
        raise _not_found()
    return person, found


async def _identifiers(
    request: FhirRequest, person: int, targets: Sequence[str]
) -> list[tuple[Stored, dict[str, Any] | None]]:
    """Return what the targets ask for: Patients with an identifier, or alone where ids of the hub are asked for."""
    record, own = request.record, _own_names(request)
    found: list[tuple[Stored, dict[str, Any] | None]] = []
    owners: dict[str, int | None] = {}
    for target in targets or (None,):
        if target in own:
            patients = await patients_of(record.connection, record.visibility, person)
            found += [(patient, None) for patient in patients]
            continue
        for patient, one in await identifiers_of(record.connection, record.visibility, person, target):
            system = one["system"]
            if system not in owners:
                owners[system] = await owner_of(record.connection, system)
            if owners[system] in (None, patient.custodian):
                found.append((patient, one))
    if not targets:
        alone = await patients_of(record.connection, record.visibility, person)
        known = {patient.row for patient, _ in found}
        found += [(patient, None) for patient in alone if patient.row not in known]
    return [(patient, one) for patient, one in found if not is_replaced(parse(patient.body))]


def _parameters(
    found: Sequence[tuple[Stored, dict[str, Any] | None]], asked: tuple[str, str], left_out: set[int]
) -> list[dict[str, Any]]:
    """Return the parameters of the answer: each Patient before its identifiers; the one that was asked by is not."""
    parts: list[dict[str, Any]] = []
    told: set[Any] = {asked}
    for patient, one in found:
        if one is not None and (forms(one["system"])[0], one["value"]) == asked:
            continue
        if patient.row not in told and patient.row not in left_out:
            told.add(patient.row)
            parts.append({"name": "targetId", "valueReference": {"reference": f"Patient/{patient.id}"}})
        if one is not None and (forms(one["system"])[0], one["value"]) not in told:
            told.add((forms(one["system"])[0], one["value"]))
            parts.append({"name": "targetIdentifier", "valueIdentifier": one})
    return parts


async def cross_references(
    request: FhirRequest, system: str, value: str, targets: Sequence[str]
) -> tuple[list[Stored], list[tuple[Stored, dict[str, Any] | None]]]:
    """Return the Patients that state an identifier, and what the person of it has elsewhere; all of it is disclosed.

    Args:
        request: On whose behalf.
        system: The identifier's domain.
        value: Its value.
        targets: The domains that are asked for; none for all.

    Returns:
        The Patients, and pairs of a Patient and one of its identifiers, or None where it has none that is asked for.

    Raises:
        NotFound: nobody has the identifier, as far as the caller sees.
        UnknownSource, UnknownTarget: a domain is not known.
        MultipleMatches: several persons have it.
    """
    person, sources = await _person(request, system, value)
    for target in targets:
        if target not in _own_names(request) and not await recognised(request, target):
            raise UnknownTarget("targetSystem not found", "targetSystem")
    others = await _identifiers(request, person, targets)
    disclosed = {one.row: one for one in [*sources, *(patient for patient, _ in others)]}
    request.record.disclosed[:] = disclosed.values()
    return sources, others


async def _asked(request: FhirRequest) -> dict[str, list[str]]:
    pairs: Pairs = await stated_pairs(request)
    if request.method == "POST":
        # So is the request on record as one by GET is, and `_format` in it counts.
        request.query_string = urlencode(pairs).encode()
        request.check_accept()
    return only([pair for pair in pairs if pair[0] not in ("_format", "_pretty")], ("sourceIdentifier", "targetSystem"))


async def ihe_pix(request: FhirRequest) -> FhirResponse:
    """Answer the identifiers and Patients of the person who has an identifier, as far as they exist for the caller.

    Raises:
        NotFound: it is asked of another type, or nobody has the identifier.
        UnknownSource, UnknownTarget: a domain is not known.
        InvalidValue: a parameter is missing, unknown, or there too often.
    """
    request.check_accept()
    if request.type != "Patient":
        raise NotFound(f"{request.path} is not an address of this server")
    found = await _asked(request)
    system, value = _source(found)
    targets = list(dict.fromkeys(found.get("targetSystem", ())))
    if len(targets) > MOST_TARGETS:
        raise InvalidValue(f"At most {MOST_TARGETS} domains are asked for at once", "targetSystem")
    sources, others = await cross_references(request, system, value, targets)
    left_out = set() if any(one in _own_names(request) for one in targets) else {one.row for one in sources}
    parts = _parameters(others, (forms(system)[0], value), left_out)
    answer = {"resourceType": "Parameters", **({"parameter": parts} if parts else {})}
    return await written_for(request, fhir_response(orjson.dumps(answer)))
