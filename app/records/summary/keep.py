"""A summary that is kept, and the entry by which a summary on demand is found (IHE sIPS).

What is kept is a snapshot of what is in the caller's own custody: a copy of another site's records would outlast the
consent. The entry on demand holds nothing: whoever retrieves it is answered anew of what it may see then.
https://profiles.ihe.net/ITI/sIPS/, https://profiles.ihe.net/ITI/TF/Volume3/ch-4.1.html (On-Demand Document Entry)
"""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from app.audit.record import Event
from app.clock import instant
from app.languages import Language
from app.records.commit import committed
from app.records.conditional import condition, lock, match, own
from app.records.events import events
from app.records.prepare import prepare
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.summary.make import Drawn, make
from app.records.writing import Writing
from fhir.documents.entry import entry
from fhir.errors import Forbidden
from fhir.store.labels import codings
from fhir.store.stored import Stored

_LANGUAGE: Language = "ja"
"""Of an entry on demand: unless the one who retrieves it asks for another."""


def _check(request: FhirRequest, patient: Stored) -> None:
    if patient.custodian != request.authority.custodian:
        raise Forbidden("A summary is kept by the site whose Patient it is about")


def _on_demand_number(patient: Stored) -> str:
    """Return what an entry on demand is known by: the same for a Patient, however often it is asked for."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'Patient/{patient.id}/$summary')}"


async def _entry_on_demand(writing: Writing, request: FhirRequest, patient: Stored) -> tuple[Stored, bool]:
    """Return the entry of a Patient's summary on demand, and whether it is new; the lock on the type is held."""
    number = _on_demand_number(patient)
    query = condition(request, "DocumentReference", f"identifier=urn:ietf:rfc:3986|{number}", "identifier")
    found = await match(writing.connection, own(request), query, "identifier")
    if found is not None:
        return found, False
    address = f"{request.hub.settings.fhir_address}/Patient/{patient.id}/$summary"
    return await writing.create(_prepared(request, patient, number, address, _LANGUAGE)), True


def _prepared(
    request: FhirRequest, patient: Stored, number: str, address: str, language: Language, **fields: Any
) -> Any:
    made = entry(
        number=number,
        address=address,
        patient=f"Patient/{patient.id}",
        custodian=request.caller.organisation_reference,
        now=instant(request.now),
        language=language,
        **fields,
    )
    return prepare(orjson.dumps(made), request.authority)


async def keep_on_demand(request: FhirRequest, patient: Stored) -> Response:
    """Make a summary on demand known, once for each Patient, and answer its DocumentReference.

    Raises:
        Forbidden: the Patient is another site's.
    """
    _check(request, patient)

    async def work(writing: Writing) -> tuple[Stored, bool]:
        await lock(writing.connection, request, ["DocumentReference"])
        return await _entry_on_demand(writing, request, patient)

    async def tell(made: tuple[Stored, bool], writing: Writing) -> list[Event]:
        return await events(request, writing.written or [made[0]], 200, writing.connection)

    stored, new = await committed(request, work, tell)
    return _answer(request, stored, 201 if new else 200)


async def keep_snapshot(request: FhirRequest, patient: Stored, language: Language) -> Response:
    """Keep a summary of what the caller's site holds, described by a DocumentReference; answer the Bundle.

    Raises:
        Forbidden: the Patient is another site's.
        Unprocessable: the Patient was deleted meanwhile.
    """
    _check(request, patient)
    drawn = await make(request, patient, language, own(request))
    bundle = prepare(drawn.summary.body, request.authority, type_name="Bundle")

    async def work(writing: Writing) -> Stored:
        await lock(writing.connection, request, ["DocumentReference"])
        on_demand, _ = await _entry_on_demand(writing, request, patient)
        return await _file(writing, request, patient, drawn, bundle, on_demand, language)

    async def tell(_: Stored, writing: Writing) -> list[Event]:
        return await events(request, [*writing.written, *drawn.stored], 200, writing.connection)

    return _answer(request, await committed(request, work, tell), 201)


async def _file(
    writing: Writing,
    request: FhirRequest,
    patient: Stored,
    drawn: Drawn,
    bundle: Any,
    on_demand: Stored,
    language: Language,
) -> Stored:
    labels = drawn.summary.labels
    # It is not taken apart: its parts are there already.
    kept = await writing.create(bundle, patient_key=patient.patient_key, inherited_labels=labels)
    described = _prepared(
        request,
        patient,
        f"urn:uuid:{drawn.id}",
        f"{request.hub.settings.fhir_address}/Bundle/{kept.id}",
        language,
        snapshot_of=f"DocumentReference/{on_demand.id}",
        labels=codings(labels),
    )
    await writing.create(described, inherited_labels=labels)
    return kept


def _answer(request: FhirRequest, stored: Stored, status: int) -> Response:
    address = f"{request.hub.settings.fhir_address}/{stored.type}/{stored.id}/_history/{stored.version}"
    return fhir_response(
        stored.body, status=status, version=stored.version, last_updated=stored.last_updated, location=address
    )
