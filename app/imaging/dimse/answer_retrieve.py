"""C-MOVE and C-GET answered, in the thread of the association that asks: what leaves is `app.imaging.dimse.retrieve`.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_C.4.2.html
"""

import logging
from io import BytesIO
from typing import TYPE_CHECKING

from pynetdicom.dimse_primitives import C_GET, C_MOVE

from app.imaging.dimse.answers import counted, finish, identifier
from app.imaging.dimse.carried_out import Done, carried_out
from app.imaging.dimse.request import DimseRequest
from app.imaging.dimse.retrieve import chosen, contexts
from app.imaging.dimse.sub_operations import Counts, SubOperations
from dicom.failures import InvalidInstance
from dicom.services.acceptor import Acceptor
from dicom.services.contexts import GETS, MOVES, PATIENT_ROOT_GET, PATIENT_ROOT_MOVE
from dicom.services.data_sets import write
from dicom.services.identifiers import InvalidIdentifier, Wanted, wanted
from dicom.services.requestor import NotReached, Place, Requested
from dicom.services.statuses import (
    CANCEL,
    DESTINATION_UNKNOWN,
    IDENTIFIER_DOES_NOT_MATCH,
    SUB_OPERATIONS_FAILED,
    SUB_OPERATIONS_IMPOSSIBLE,
    SUCCESS,
    UNRECOGNISED_OPERATION,
)
from dicom.store.read import InstanceRow

if TYPE_CHECKING:
    from app.imaging.dimse.conversation import Conversation


_PATIENT_ROOTS = (PATIENT_ROOT_MOVE, PATIENT_ROOT_GET)
_FAILED_UIDS = 0x00080058
"""Failed SOP Instance UID List."""
_LONGEST_LIST_BYTES = 65_000
"""Of that list: its length is of sixteen bits."""

logger = logging.getLogger(__name__)


def answer_retrieve(
    conversation: "Conversation", association: Acceptor, message: C_MOVE | C_GET, context_id: int
) -> None:
    """Answer a C-MOVE or a C-GET: the instances leave, and each is counted."""
    abstract, syntax = association.context(context_id)
    moves = isinstance(message, C_MOVE)
    if abstract not in (MOVES if moves else GETS):
        finish(association, message, context_id, UNRECOGNISED_OPERATION)
        return
    try:
        named = wanted(identifier(message, syntax), patient_root=abstract in _PATIENT_ROOTS)
    except (InvalidIdentifier, InvalidInstance) as error:
        finish(association, message, context_id, IDENTIFIER_DOES_NOT_MATCH, str(error))
        return
    destination = (message.MoveDestination or "").strip() if isinstance(message, C_MOVE) else ""
    request = conversation.request("c-move" if moves else "c-get", _told(named, destination))
    place = _place(conversation, request, destination) if moves else None
    if moves and place is None:
        # Nothing was done, and it is on record all the same.
        conversation.calls.wait_for(carried_out(request, _nothing))
        finish(association, message, context_id, DESTINATION_UNKNOWN, "The destination is not known")
        return

    async def work(request: DimseRequest) -> list[InstanceRow]:
        return await chosen(request, named)

    done: Done[list[InstanceRow]] = conversation.calls.wait_for(carried_out(request, work))
    if done.result is None:
        finish(association, message, context_id, done.code, done.reason)
        return
    operations = SubOperations(conversation.calls, request, association, message, context_id)
    rows = done.result
    if place is None or not rows:
        counts = operations.run(rows, association, association.takes())
    else:
        counts = _moved(operations, rows, place, conversation.title, association)
    _end_retrieve(association, message, context_id, counts)


async def _nothing(request: DimseRequest) -> None:
    request.touched.clear()


def _told(named: Wanted, destination: str) -> list[tuple[str, str]]:
    """Return what the audit log is told: where to, and what, up to a few names."""
    pairs = [("destination", destination)] if destination else []
    pairs.append(("level", named.word))
    if named.patient_id:
        pairs.append(("PatientID", named.patient_id))
    lists = (("StudyInstanceUID", named.studies), ("SeriesInstanceUID", named.series))
    for keyword, uids in (*lists, ("SOPInstanceUID", named.instances)):
        pairs += [(keyword, uid) for uid in uids[:10]]
    return pairs


def _place(conversation: "Conversation", request: DimseRequest, destination: str) -> Place | None:
    organisation = request.caller.organisation
    found = conversation.calls.wait_for(conversation.nodes.destination(destination, organisation))
    try:
        return None if found is None else conversation.calls.place_of(found)
    except OSError as error:
        logger.warning("Nothing is sent to %s: %s", destination, error)
        return None


def _moved(
    operations: SubOperations, rows: list[InstanceRow], place: Place, title: str, association: Acceptor
) -> Counts:
    try:
        with Requested(place, title, contexts(rows), association.bounds) as there:
            return operations.run(rows, there.open, there.takes())
    except NotReached:
        return Counts(failed=[row.sop_instance_uid for row in rows])


def _end_retrieve(association: Acceptor, message: C_MOVE | C_GET, context_id: int, counts: Counts) -> None:
    status = SUCCESS
    if counts.is_cancelled:
        status = CANCEL
    elif counts.failed:
        status = SUB_OPERATIONS_FAILED if counts.completed else SUB_OPERATIONS_IMPOSSIBLE
    counted(message, status)
    if not association.is_established:
        return
    last = counts.told(message, status)
    if counts.is_cancelled:
        last.NumberOfRemainingSuboperations = counts.remaining
    if counts.failed:
        _, syntax = association.context(context_id)
        uids: list[str] = []
        size = 0
        for uid in counts.failed:
            size += len(uid) + 1
            if size > _LONGEST_LIST_BYTES:
                break
            uids.append(uid)
        last.Identifier = BytesIO(write({_FAILED_UIDS: ("UI", uids)}, syntax))
    association.dimse.send_msg(last, context_id)
