"""`$document`: a document of a Composition and what it refers to, as far as the caller may see it.

https://hl7.org/fhir/R4/composition-operation-document.html
"""

import uuid

from app.audit.record import Event
from app.clock import instant
from app.records.commit import committed
from app.records.events import events
from app.records.parameters import flag, one_of, only, operation_pairs
from app.records.prepare import prepare
from app.records.put_together import labels_together, name_parts
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.signatures.seal import sealed
from app.records.writing import Writing
from fhir.errors import Deleted, Forbidden, InvalidValue, NotFound, NotSupported, TooLarge
from fhir.operations.document import document, named
from fhir.store.read import read
from fhir.store.stored import Stored
from fhir.store.tables import NO_PATIENT
from fhir.store.types import NUMBERS

MOST_ENTRIES = 1_000


async def _parts(request: FhirRequest, composition: Stored) -> list[Stored]:
    """Return the Composition and those of the resources it refers to that exist for the caller."""
    links = named(composition.body)
    if len(links) > MOST_ENTRIES:
        raise TooLarge(f"A document is made of at most {MOST_ENTRIES} resources")
    found = [composition]
    for link in links:
        type_name, _, id_ = link.partition("/")
        if type_name not in NUMBERS or link == f"Composition/{composition.id}":
            continue
        try:
            found.append(await request.record.read(type_name, id_))
        except (NotFound, Deleted):
            # What does not exist for the caller is not in the document, and is not missed in it.
            continue
    return found


async def _still_there(request: FhirRequest, writing: Writing, composition: Stored) -> None:
    """Check, inside the transaction, that neither the Composition nor its Patient was deleted since they were read.

    Raises:
        NotFound: the Composition does not exist for the caller any more.
        Deleted: it was deleted.
        Unprocessable: its Patient was.
    """
    now = await read(writing.connection, request.record.visibility, "Composition", composition.id)
    if now is None:
        raise NotFound(f"Composition/{composition.id} does not exist")
    if now.deleted:
        raise Deleted(f"Composition/{composition.id} was deleted")
    if composition.patient_key > NO_PATIENT:
        reference = await request.hub.patient_reference(composition.patient_key)
        await writing.check_patient(reference.removeprefix("Patient/"))


async def _persist(request: FhirRequest, body: bytes, parts: list[Stored]) -> Response:
    """Store the document; it is not taken apart, for its parts are stored already.

    Raises:
        Forbidden: a part is in another site's custody: a copy would stay when its consent is withdrawn.
    """
    composition = parts[0]
    for one in parts:
        if one.patient_key and one.custodian != request.authority.custodian:
            raise Forbidden("Another site's records are not kept in a document; ask for it without persist")
        if one.patient_key not in (0, composition.patient_key):
            raise Forbidden("A document is kept when it is about one patient only")
    prepared = prepare(body, request.authority, type_name="Bundle")

    async def work(writing: Writing) -> Stored:
        await _still_there(request, writing, composition)
        labels = await labels_together(writing, parts)
        kept = await writing.create(prepared, patient_key=composition.patient_key, inherited_labels=labels)
        await name_parts(writing, [kept], parts, labels)
        return kept

    async def tell(_: Stored, writing: Writing) -> list[Event]:
        return await events(request, [*writing.written, *parts], 200, writing.connection)

    stored = await committed(request, work, tell)
    address = f"{request.hub.settings.address}/fhir/Bundle/{stored.id}/_history/{stored.version}"
    return fhir_response(
        stored.body, status=201, version=stored.version, last_updated=stored.last_updated, location=address
    )


def _named(request: FhirRequest, stated: str | None) -> str:
    """Return the id of the Composition that is asked for: in the address, or at the type as `id`.

    Raises:
        InvalidValue: it is not named, or in two ways.
        NotFound: what is named is not on this server.
    """
    if request.id or stated is None:
        if not request.id or stated is not None:
            raise InvalidValue("A document is made of one Composition: it is named by the address, or by id", "id")
        return request.id
    id_ = stated.removeprefix(f"{request.hub.settings.fhir_address}/").removeprefix("Composition/")
    if "/" in id_ or ":" in id_:
        raise NotFound("The Composition is not on this server", "id")
    return id_


async def composition_document(request: FhirRequest) -> Response:
    """Answer a document, and store it when `persist` is true.

    Raises:
        NotFound: the Composition does not exist for the caller, or it is asked of another type.
        TooLarge: it refers to more than a document holds.
    """
    request.check_accept()
    if request.type != "Composition":
        raise NotFound(f"{request.path} is not an address of this server")
    found = only(await operation_pairs(request), ("id", "persist", "graph"))
    persist = flag(found, "persist")
    if persist and request.method != "POST":
        raise InvalidValue("What is kept is asked for by POST", "persist")
    if "graph" in found:
        raise NotSupported("A document is not made by a graph", "graph")
    composition = await request.record.read("Composition", _named(request, one_of(found, "id")))
    parts = await _parts(request, composition)
    base = f"{request.hub.settings.address}/fhir"
    entries = [(f"{base}/{one.type}/{one.id}", one.body) for one in parts]
    body = await sealed(request.hub, document(entries, id=str(uuid.uuid4()), now=instant(request.now)))
    if not persist:
        # What was deleted is no part of the answer.
        request.record.disclosed[:] = parts
        return fhir_response(body)
    return await _persist(request, body, parts)
