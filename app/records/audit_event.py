"""ITI-81, Retrieve ATNA Audit Event: the auditor's `GET /fhir/AuditEvent`. The log is read, not the stored resources.

What other systems sent is found with it, and says in `meta.source` who sent it. To ask is itself on record as Audit Log
Used. https://profiles.ihe.net/ITI/TF/Supplements/IHE_ITI_Suppl_RESTful-ATNA.pdf, 3.81
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import BigInteger, bindparam, select

from app.audit.atna.parameters import Asked, read
from app.audit.atna.walk import At, Walk, position
from app.audit.balp import Observer, audit_event
from app.audit.inbound.stored import received_one
from app.audit.review import Reviewer
from app.audit.tables import audit_record
from app.consent.within import limits
from app.identity.scope import patient_keys
from app.records.query import read_query
from app.records.request import FhirRequest, decode_pairs
from app.records.response import Response, fhir_response
from fhir.errors import Forbidden, InvalidValue, NotFound
from fhir.search.control import once
from fhir.search.run import Place, search_types
from fhir.store.types import NUMBERS

FORM_BYTES = 100_000
MOST_PATIENTS = 100
"""Patients of the hub that one identifier may mean."""

_WAY = "audit"
_RECORD = select(audit_record.c.row, audit_record.c.record).where(
    audit_record.c.row == bindparam("row", type_=BigInteger)
)

Pairs = Sequence[tuple[str, str]]


def is_asked(request: FhirRequest) -> bool:
    """Return whether a search or a read of AuditEvents is an auditor's: of the log."""
    return request.type == "AuditEvent" and not request.member and request.caller.role == "auditor"


def _begin(request: FhirRequest) -> None:
    """Name the transaction for the audit record, and refuse a token that is not for all of the log.

    Raises:
        Forbidden: the token is for a part of the AuditEvents, or for one patient.
    """
    request.check_accept()
    request.interaction, request.action = "iti-81", "R"
    scopes = request.caller.scopes
    if scopes is None:
        return
    found = limits(scopes, "rs")
    if not found.whole and NUMBERS["AuditEvent"] not in found.values.get("v_types", ()):
        raise Forbidden("The token is not for the audit log as a whole")


def observer_of(request: FhirRequest) -> Observer:
    """Return the hub as its events name it."""
    settings = request.hub.settings
    return Observer("Device/hub", settings.fhir_address, settings.region)


async def _patients(request: FhirRequest, pairs: Pairs) -> list[str]:
    """Return the Patients that `patient.identifier` means, among those that the caller may see."""
    found = []
    names = ("patient.identifier", "patient:identifier")
    for value in [text for name, text in pairs if name in names]:
        query = read_query(request.hub, "Patient", [("identifier", value)])
        page = await search_types(
            request.record.connection,
            request.record.visibility,
            [query],
            patient_keys,
            limit=MOST_PATIENTS,
            place=Place(),
        )
        found += [f"Patient/{one.id}" for one in page.matches]
    return found


def _place(request: FhirRequest, pairs: Pairs) -> At:
    cursor = once(pairs, "_cursor")
    if not cursor:
        return At()
    way, *numbers = request.hub.cursors.open(cursor, _binding(request, pairs))
    if way != _WAY or len(numbers) != 3:
        raise InvalidValue("This page link is of another search", "_cursor")
    return At(*numbers)


def _binding(request: FhirRequest, pairs: Pairs) -> str:
    return request.binding("AuditEvent", [pair for pair in pairs if pair[0] != "_cursor"])


def _bundle(
    request: FhirRequest, pairs: Pairs, resources: Sequence[Mapping[str, Any]], after: At | None
) -> dict[str, Any]:
    base = f"{request.hub.settings.fhir_address}/AuditEvent"
    asked = urlencode([pair for pair in pairs if pair[0] != "_cursor"])
    links = [{"relation": "self", "url": f"{base}?{asked}"}]
    if after is not None:
        cursor = request.hub.cursors.seal((_WAY, *position(after)), _binding(request, pairs))
        links.append({"relation": "next", "url": f"{base}?{asked}&_cursor={cursor}"})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": links}
    entries = [{"fullUrl": f"{base}/{one['id']}", "resource": one, "search": {"mode": "match"}} for one in resources]
    return bundle | ({"entry": entries} if entries else {})


def reviewer(request: FhirRequest) -> Reviewer:
    """Return what opens records; the hub keeps it, for it learns whose HMAC is whose."""
    hub = request.hub
    if hub.reviewer is None:
        hub.reviewer = Reviewer(hub.audit.keys)
    return hub.reviewer


async def _search(request: FhirRequest, pairs: Pairs) -> Response:
    asked: Asked = read(pairs, request.now, lenient=request.lenient, patients=await _patients(request, pairs))
    walk = Walk(request.hub.database.reader, reviewer(request), observer_of(request), request.now)
    found = await walk.page(asked, _place(request, pairs))
    return fhir_response(orjson.dumps(_bundle(request, pairs, found.resources, found.after)))


async def iti_81(request: FhirRequest) -> Response:
    """Answer an auditor's search of the log by GET."""
    _begin(request)
    return await _search(request, request.pairs)


async def iti_81_by_post(request: FhirRequest) -> Response:
    """Answer an auditor's search of the log by POST, whose parameters are a form."""
    _begin(request)
    form = await request.body(FORM_BYTES)
    request.query_string = b"&".join(part for part in (request.query_string, form) if part)
    return await _search(request, decode_pairs(request.query_string))


async def read_event(request: FhirRequest) -> Response:
    """Answer one event of the log, or of another system."""
    _begin(request)
    hub = request.hub
    number = request.id.removeprefix("received-")
    row = int(number) if number.isascii() and number.isdigit() and len(number) < 20 else -1
    if row < 0 or row >= 2**63:
        raise NotFound(f"AuditEvent/{request.id} does not exist")
    if request.id.startswith("received-"):
        one = await received_one(hub.database.reader, hub.audit.keys, row)
        if one is not None:
            return fhir_response(orjson.dumps(one.resource(observer_of(request))))
    elif rows := await hub.database.reader.fetch(_RECORD, {"row": row}):
        (entry,) = await reviewer(request).open_each(hub.database.reader, [(int(rows[0][0]), bytes(rows[0][1]))])
        return fhir_response(orjson.dumps(audit_event(entry.event, id=request.id, observer=observer_of(request))))
    raise NotFound(f"AuditEvent/{request.id} does not exist")
