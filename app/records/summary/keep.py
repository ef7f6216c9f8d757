"""A summary that is kept, and the entry by which a summary on demand is found (IHE sIPS).

What is kept is a snapshot of what is in the caller's own custody: a copy of another site's records would outlast the
consent. The entry on demand holds nothing: whoever retrieves it is answered anew of what it may see then.
https://profiles.ihe.net/ITI/sIPS/, https://profiles.ihe.net/ITI/TF/Volume3/ch-4.1.html (On-Demand Document Entry)
"""

from typing import Any

from app.audit.record import Event
from app.languages import Language
from app.records.commit import committed
from app.records.conditional import lock, own
from app.records.events import events
from app.records.prepare import prepare
from app.records.put_together import labels_together, name_parts
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.signatures.seal import sealed
from app.records.summary.make import Drawn, make
from app.records.summary.on_demand import entry_on_demand, prepared_entry
from app.records.writing import Writing
from fhir.errors import Forbidden
from fhir.store.labels import codings
from fhir.store.stored import Stored


def _check(request: FhirRequest, patient: Stored) -> None:
    if patient.custodian != request.authority.custodian:
        raise Forbidden("A summary is kept by the site whose Patient it is about")


async def keep_on_demand(request: FhirRequest, patient: Stored) -> Response:
    """Make a summary on demand known, once for each Patient, and answer its DocumentReference.

    Raises:
        Forbidden: the Patient is another site's.
    """
    _check(request, patient)

    async def work(writing: Writing) -> tuple[Stored, bool]:
        await lock(writing.connection, request, ["DocumentReference"])
        return await entry_on_demand(writing, request, patient)

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
    bundle = prepare(await sealed(request.hub, drawn.summary.body), request.authority, type_name="Bundle")

    async def work(writing: Writing) -> Stored:
        await lock(writing.connection, request, ["DocumentReference"])
        on_demand, _ = await entry_on_demand(writing, request, patient)
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
    labels = await labels_together(writing, drawn.stored)
    # It is not taken apart: its parts are there already.
    kept = await writing.create(bundle, patient_key=patient.patient_key, inherited_labels=labels)
    described = prepared_entry(
        request,
        patient,
        f"urn:uuid:{drawn.id}",
        f"{request.hub.settings.fhir_address}/Bundle/{kept.id}",
        language,
        snapshot_of=f"DocumentReference/{on_demand.id}",
        labels=codings(labels),
    )
    await name_parts(writing, [kept, await writing.create(described, inherited_labels=labels)], drawn.stored, labels)
    return kept


def _answer(request: FhirRequest, stored: Stored, status: int) -> Response:
    address = f"{request.hub.settings.fhir_address}/{stored.type}/{stored.id}/_history/{stored.version}"
    return fhir_response(
        stored.body, status=status, version=stored.version, last_updated=stored.last_updated, location=address
    )
