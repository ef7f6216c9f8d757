"""`$expunge`: versions are removed for good, by the secretariat alone; that they were is on record for ever.

The audit tree is never touched: it says that there was a version, who read it, and who removed it.
"""

import orjson
from sqlalchemy import BigInteger, bindparam, select

from app.audit.desk import forget as desk
from app.audit.record import Event
from app.consent.visibility import EVERYTHING_VISIBLE
from app.exchange.mllp.kept import forget_messages
from app.exchange.ssmix2.forget import forget_files
from app.identity.forget import forget_patient
from app.imaging.media.forget import forget_discs
from app.records.commit import committed
from app.records.documents.forget import forget_document
from app.records.events import events
from app.records.forget import count_removal, forget
from app.records.parameters import flag, only, operation_pairs
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.signatures.keep import forget_verdicts
from app.records.superseded import reader
from app.records.writing import Writing
from dicom.store.tables import dicom_study
from fhir.errors import Conflict, Forbidden, InvalidValue, NotFound
from fhir.search.hashing import hash64
from fhir.store.expunge import has_a_record, remove_deleted, remove_previous
from fhir.store.read import read
from fhir.store.stored import Stored

_KNOWN = ("expungeDeletedResources", "expungePreviousVersions")
_IMAGES = select(dicom_study.c.id).where(
    dicom_study.c.patient_key == bindparam("key", type_=BigInteger),
    dicom_study.c.id == bindparam("row", type_=BigInteger),
)


async def remove(writing: Writing, current: Stored) -> int:
    """Remove a deleted resource for good, and return how many versions it had.

    Raises:
        Conflict: it is not deleted, has images, or is a Patient to whom something belongs.
    """
    named = f"{current.type}/{current.id}"
    if not current.deleted:
        raise Conflict(f"{named} still exists: its custodian deletes it first")
    place = {"key": current.patient_key, "row": current.row}
    if current.type == "ImagingStudy" and await writing.connection.fetch(_IMAGES, place):
        raise Conflict(f"{named} has images")
    if current.type == "Patient":
        if await has_a_record(writing.connection, current.patient_key):
            raise Conflict(f"{named} still has a record: what belongs to it is removed first")
        await desk.forget_patient(writing.connection, current.patient_key)
        await forget_patient(writing.connection, current.patient_key)
    await forget_files(writing.connection, current)
    await forget_messages(writing.connection, current)
    await forget_discs(writing.connection, current)
    await forget_verdicts(writing.connection, current, current.version + 1)
    await forget_document(writing.connection, current)
    return await remove_deleted(writing.connection, current, hash64(named), reader(writing.request.hub))


async def expunge(request: FhirRequest) -> Response:
    """Remove a deleted resource, or the older versions of one, and answer how many versions that were.

    Raises:
        Forbidden: the caller is not of the secretariat.
        NotFound: there is no such resource.
        Conflict: it is not deleted, or something depends on it.
    """
    request.check_accept()
    if request.caller.role != "secretariat":
        raise Forbidden("Only the secretariat removes versions for good")
    type_name = known_type(request.type)
    found = only(await operation_pairs(request), _KNOWN)
    whole, previous = flag(found, "expungeDeletedResources"), flag(found, "expungePreviousVersions")
    if not (whole or previous):
        raise InvalidValue(f"Say what is to be removed: {' or '.join(_KNOWN)}", "Parameters.parameter")

    async def work(writing: Writing) -> tuple[Stored, int]:
        current = await read(writing.connection, EVERYTHING_VISIBLE, type_name, request.id)
        if current is None:
            raise NotFound(f"{type_name}/{request.id} does not exist")
        await count_removal(writing.connection)
        if whole and (current.deleted or not previous):
            return current, await remove(writing, current)
        await forget_verdicts(writing.connection, current, current.version)
        return current, await remove_previous(writing.connection, current, reader(request.hub))

    async def tell(done: tuple[Stored, int], _: Writing) -> list[Event]:
        return await events(request, [done[0]], 200)

    _, count = await committed(request, work, tell)
    forget(request.hub.database)
    return fhir_response(
        orjson.dumps({"resourceType": "Parameters", "parameter": [{"name": "count", "valueInteger": count}]})
    )
