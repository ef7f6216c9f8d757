"""The kick-off of an export: at the base, at `Patient` or at `Group/[id]`.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request
"""

from collections.abc import Iterable, Mapping

from app.records.export.job import EXPORTS, Wanted
from app.records.jobs.job import asked_by, new_id
from app.records.parameters import interval, known_types, one_of, only, operation_pairs
from app.records.query import read_query
from app.records.record import known_type
from app.records.request import FhirRequest, decode_pairs
from app.records.response import Response, outcome_response
from app.records.terminology.search import with_terms
from fhir.errors import FhirError, Forbidden, InvalidValue, NotAcceptable, NotFound, NotSupported
from fhir.issue import Issue
from fhir.resource import parse
from fhir.store.types import NUMBERS

_LEFT_OUT = ("includeAssociatedData", "allowPartialManifests")
_KNOWN = ("_since", "_type", "_typeFilter", "_elements", "_outputFormat", "patient", "organizeOutputBy", *_LEFT_OUT)
_FORMATS = (None, "application/fhir+ndjson", "application/ndjson", "ndjson")

MOST_PATIENTS = 10_000
"""Persons that one request may name."""


def _split(found: Mapping[str, list[str]], name: str) -> list[str]:
    return [part for text in found.get(name, ()) for part in text.split(",") if part]


def _types(found: Mapping[str, list[str]]) -> tuple[str, ...]:
    return tuple(sorted(set(known_types(_split(found, "_type"))) or NUMBERS))


async def _filters(
    request: FhirRequest, found: Mapping[str, list[str]], types: tuple[str, ...]
) -> dict[str, list[list[tuple[str, str]]]]:
    filters: dict[str, list[list[tuple[str, str]]]] = {}
    for text in found.get("_typeFilter", ()):
        type_name, _, query = text.partition("?")
        if type_name not in types:
            raise InvalidValue(f"{type_name[:50]!r} is none of the types that are asked for", "_typeFilter")
        pairs = decode_pairs(query.encode())
        for name, _ in pairs:
            if name.startswith("_") and name.partition(":")[0] not in ("_id", "_lastUpdated", "_tag", "_security"):
                raise NotSupported(f"{name} is not taken in a filter", "_typeFilter")
        # What is not known now will not be known in a while.
        await with_terms(request, read_query(request.hub, type_name, pairs))
        filters.setdefault(type_name, []).append(pairs)
    return filters


def _elements(found: Mapping[str, list[str]]) -> dict[str, list[str]]:
    elements: dict[str, list[str]] = {}
    for text in _split(found, "_elements"):
        type_name, dot, name = text.partition(".")
        if not (name if dot else type_name).isalpha() or (dot and type_name not in NUMBERS):
            raise InvalidValue(f"{text[:50]!r} is not an element", "_elements")
        elements.setdefault(type_name if dot else "", []).append(name if dot else type_name)
    return elements


async def _patients(request: FhirRequest, found: Mapping[str, list[str]]) -> tuple[str, ...] | None:
    """Return the Patients that are named, by the request or by a Group that exists for the caller."""
    named = [text.rpartition("Patient/")[2] for text in _split(found, "patient")]
    if named and not request.type:
        raise InvalidValue("patient is a parameter of the export of patients and groups", "patient")
    if request.type != "Group":
        chosen = named
    else:
        group = parse((await request.record.read("Group", request.id)).body)
        links = [
            one.get("entity", {}).get("reference", "") for one in group.get("member", ()) if not one.get("inactive")
        ]
        chosen = [link.partition("/")[2] for link in links if link.startswith("Patient/")]
        if named:
            chosen = [one for one in chosen if one in named]
    if len(chosen) > MOST_PATIENTS:
        raise InvalidValue(f"An export has at most {MOST_PATIENTS} patients", "patient")
    for one in named:
        # Hidden and never-existing are answered alike.
        await request.record.read("Patient", one)
    request.record.disclosed.clear()
    return tuple(dict.fromkeys(chosen)) if named or request.type == "Group" else None


def _check(request: FhirRequest) -> None:
    if request.caller.account or request.caller.patient_key:
        raise Forbidden("Only systems export")
    if b"respond-async" not in request.headers.get(b"prefer", b""):
        raise InvalidValue("An export is asked for with Prefer: respond-async", "Prefer")
    if request.type not in ("", "Patient", "Group"):
        known_type(request.type)
        raise NotFound(f"{request.path} is not an address of this server")


def _ignored(request: FhirRequest, found: Mapping[str, list[str]]) -> list[Issue]:
    """Return what is left out, which a strict caller does not want.

    Raises:
        NotSupported: the caller is strict.
    """
    left = [name for name in _LEFT_OUT if name in found]
    if "organizeOutputBy" in found and not _organized(found):
        left.append("organizeOutputBy")
    for name in left:
        if not request.lenient:
            raise NotSupported(f"{name} is not supported, or not with this value", name)
    return [Issue("warning", "not-supported", name, f"{name} was left out") for name in left]


def _organized(found: Mapping[str, list[str]]) -> bool:
    return one_of(found, "organizeOutputBy") == "Patient"


async def export(request: FhirRequest) -> Response:
    """Put an export in the queue and say where to ask for it.

    Raises:
        FhirError: what is asked for cannot be exported.
    """
    request.check_accept()
    _check(request)
    found = only(await operation_pairs(request), _KNOWN)
    if one_of(found, "_outputFormat") not in _FORMATS:
        raise NotAcceptable("Files are written as application/fhir+ndjson", "_outputFormat")
    warnings = _ignored(request, found)
    since, types = interval(found, "_since"), _types(found)
    filters = await _filters(request, found, types)
    patients = await _patients(request, found)
    organized = _organized(found)
    if filters and (organized or patients is not None):
        _check_by_patient(request, [name for name in filters if not (organized and name == "Patient")])
    level, after = request.type or "system", since[0] if since else 0
    wanted = Wanted(level, types, after, patients, filters, _elements(found), organized)
    query = request.query_string.decode("latin-1")
    address = request.hub.settings.address
    id_ = new_id()
    asked = f"{address}{request.path}{'?' if query else ''}{query}"
    await EXPORTS.add(request.hub.database, asked_by(request, id_, wanted.text(), asked))
    request.hub.exports_wait.set()
    begun = Issue("information", "informational", "", "The export has begun")
    response = outcome_response(202, [begun, *warnings])
    response.headers.append((b"content-location", f"{address}/fhir/$export-status/{id_}".encode()))
    return response


def _check_by_patient(request: FhirRequest, filters: Iterable[str]) -> None:
    for type_name in filters:
        try:
            read_query(request.hub, type_name, [("patient", "Patient/1")])
        except FhirError as error:
            raise NotSupported(f"{type_name} cannot be filtered for some patients only", "_typeFilter") from error
