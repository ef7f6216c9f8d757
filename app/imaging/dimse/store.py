"""C-STORE: an instance is kept, filed and recorded, and then acknowledged.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/chapter_B.html
"""

import logging

from app.blobs import Incoming
from app.hub import Hub
from app.imaging.custody import Custody
from app.imaging.dimse.carried_out import Refused
from app.imaging.dimse.request import DimseRequest
from app.imaging.dimse.together import Together
from app.imaging.keep import Failure, Received, keep
from app.imaging.pixels import stored_bytes
from dicom.attributes import Level
from dicom.failures import DATA_SET_DOES_NOT_MATCH_SOP_CLASS, DUPLICATE_SOP_INSTANCE, InvalidInstance
from dicom.file_meta import data_set_start, file_meta
from dicom.matching import parse_query
from dicom.services.commitment import Referenced
from dicom.store.read import InstanceRow, read_instances
from dicom.store.search import search
from fhir.errors import FhirError, Forbidden
from fhir.store.categories import Category

HEAD_BYTES = 65_536
"""In which the File Meta Information ends."""
PIECE_BYTES = 1024 * 1024
"""An instance is read in pieces of so many."""

logger = logging.getLogger(__name__)


def begun(hub: Hub, named: Referenced, transfer_syntax: str) -> Incoming:
    """Return a file that an instance's data set is to be written to, after its head.

    The head is of the hub's making, and the same whoever sends: the data set is the sender's, and kept as it came.
    """
    incoming = hub.blobs.incoming()
    try:
        incoming.write(file_meta(named.sop_class_uid, named.sop_instance_uid, transfer_syntax))
    except OSError:
        incoming.discard()
        raise
    return incoming


async def store(request: DimseRequest, named: Referenced, incoming: Incoming, together: Together) -> str:
    """Store an instance; when this returns it is durable. What is returned is a warning, empty for most.

    Args:
        request: The C-STORE.
        named: What its command names.
        incoming: What came, whole; the caller discards it.
        together: Files it with others that came meanwhile.

    Raises:
        Refused: it is not stored.
        FhirError: the caller may not store it.
    """
    hub = request.hub
    if not request.authority.may_write(Category.IMAGING):
        raise Forbidden("This role does not store images")
    custodian = request.authority.custodian
    found = await keep(hub, custodian, incoming)
    if (found.sop_class_uid, found.sop_instance_uid) != named:
        raise Refused(DATA_SET_DOES_NOT_MATCH_SOP_CLASS, "the data set is another instance than its command says")
    if isinstance(found, Received):
        outcome = await together.file(request, found)
        if isinstance(outcome, str):
            return outcome
        found = outcome
    await _check_other(hub, custodian, found, incoming)
    return ""


async def _check_other(hub: Hub, custodian: int, failure: Failure, incoming: Incoming) -> None:
    """Refuse an instance, unless its data set is there already, after another head: of a disc, or from STOW-RS.

    Raises:
        Refused: it is not.
    """
    if failure.code == DUPLICATE_SOP_INSTANCE:
        row = await _own(hub, custodian, failure.sop_instance_uid)
        if row is not None and await _is_same(hub, row, incoming):
            return
    raise Refused(failure.code, failure.reason)


async def _own(hub: Hub, custodian: int, uid: str) -> InstanceRow | None:
    """Return the custodian's own instance of a UID."""
    reader, own = hub.database.reader, Custody(custodian)
    query = parse_query(Level.INSTANCE, [("SOPInstanceUID", uid)], max_limit=1)
    for one in await search(reader, own, query):
        rows = await read_instances(reader, own, one.study.study_instance_uid, None, uid)
        return rows[0] if rows else None
    return None


async def _is_same(hub: Hub, row: InstanceRow, incoming: Incoming) -> bool:
    """Return whether what came and what is stored are one data set, octet by octet."""
    try:
        stored_start = data_set_start(await stored_bytes(hub, row, 0, min(HEAD_BYTES, row.size)))
        with incoming.path.open("rb") as file:
            start = data_set_start(file.read(HEAD_BYTES))
            if row.size - stored_start != incoming.size - start:
                return False
            file.seek(start)
            while stored_start < row.size:
                length = min(PIECE_BYTES, row.size - stored_start)
                if await stored_bytes(hub, row, stored_start, length) != file.read(length):
                    return False
                stored_start += length
    except (InvalidInstance, FhirError, OSError):
        logger.warning("An instance cannot be compared with the one that is stored")
        return False
    return True
