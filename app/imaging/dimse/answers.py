"""C-FIND, C-MOVE, C-GET and N-ACTION answered, in the thread of the association that asks.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_C.4.html
"""

import logging
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pynetdicom.dimse_primitives import C_FIND, C_GET, C_MOVE, C_STORE, N_ACTION

from app.imaging.dimse import metrics
from app.imaging.dimse.carried_out import Done, carried_out
from app.imaging.dimse.commitment import keep_request, of_node
from app.imaging.dimse.find import Matches, find
from app.imaging.dimse.node import Binding
from app.imaging.dimse.report import try_on
from app.imaging.dimse.request import DimseRequest
from app.imaging.dimse.retrieve import chosen, contexts
from app.imaging.dimse.sub_operations import Counts, SubOperations
from dicom.failures import InvalidInstance
from dicom.services.acceptor import Acceptor
from dicom.services.commitment import REQUEST_STORAGE_COMMITMENT, InvalidRequest, requested
from dicom.services.contexts import (
    FINDS,
    GETS,
    MOVES,
    PATIENT_ROOT_FIND,
    PATIENT_ROOT_GET,
    PATIENT_ROOT_MOVE,
    STORAGE_COMMITMENT,
    STORAGE_COMMITMENT_INSTANCE,
)
from dicom.services.data_sets import Small, read, write
from dicom.services.identifiers import Asked, InvalidIdentifier, Wanted, answered, asked, wanted
from dicom.services.messages import answer
from dicom.services.requestor import NotReached, Place, Requested
from dicom.services.statuses import (
    CANCEL,
    DESTINATION_UNKNOWN,
    IDENTIFIER_DOES_NOT_MATCH,
    MISTYPED_ARGUMENT,
    NO_SUCH_ACTION,
    NO_SUCH_INSTANCE,
    OUT_OF_RESOURCES,
    PENDING,
    PENDING_UNSUPPORTED,
    RESOURCE_LIMITATION,
    SUB_OPERATIONS_FAILED,
    SUB_OPERATIONS_IMPOSSIBLE,
    SUCCESS,
    UNRECOGNISED_OPERATION,
    comment,
)
from dicom.store.read import InstanceRow

if TYPE_CHECKING:
    from app.imaging.dimse.conversation import Conversation

_PATIENT_ROOTS = frozenset({PATIENT_ROOT_FIND, PATIENT_ROOT_MOVE, PATIENT_ROOT_GET})
_FAILED_UIDS = 0x00080058
"""Failed SOP Instance UID List."""
_LONGEST_LIST_BYTES = 65_000
"""Of that list: its length is of sixteen bits."""


logger = logging.getLogger(__name__)


def counted(message: Any, status: int) -> None:
    """Count a request by how it was answered."""
    metrics.MESSAGES.labels(type(message).__name__, f"{status:04X}").inc()


def _identifier(message: Any, syntax: str) -> Small:
    if message.Identifier is None:
        raise InvalidIdentifier("The identifier is missing")
    return read(message.Identifier.getvalue(), syntax)


def answer_find(conversation: "Conversation", association: Acceptor, message: C_FIND, context_id: int) -> None:
    """Answer a C-FIND: a pending answer for each match, on record before the first, and a last one."""
    abstract, syntax = association.context(context_id)
    if abstract not in FINDS:
        finish(association, message, context_id, UNRECOGNISED_OPERATION)
        return
    try:
        question = asked(_identifier(message, syntax), patient_root=abstract in _PATIENT_ROOTS)
    except (InvalidIdentifier, InvalidInstance) as error:
        finish(association, message, context_id, IDENTIFIER_DOES_NOT_MATCH, str(error))
        return
    pairs = [("level", question.word), *question.pairs]
    request = conversation.request("c-find", pairs)

    async def work(request: DimseRequest) -> Matches:
        return await find(request, question)

    done: Done[Matches] = conversation.calls.wait_for(carried_out(request, work))
    if done.result is None:
        finish(association, message, context_id, done.code, done.reason)
        return
    _send_matches(association, message, context_id, question, done.result, conversation.title)


def _send_matches(
    association: Acceptor, message: C_FIND, context_id: int, question: Asked, matches: Matches, title: str
) -> None:
    _, syntax = association.context(context_id)
    status = PENDING_UNSUPPORTED if question.is_partly_unsupported else PENDING
    for found in matches.found:
        if association.is_cancelled(message.MessageID or 0):
            finish(association, message, context_id, CANCEL)
            return
        pending = answer(message, status)
        pending.Identifier = BytesIO(write(answered(question, found, title), syntax, question.characters))
        association.dimse.send_msg(pending, context_id)
    if matches.are_all:
        finish(association, message, context_id, SUCCESS)
    else:
        reason = f"There are more than {len(matches.found)} matches"
        finish(association, message, context_id, OUT_OF_RESOURCES, reason)


def finish(association: Acceptor, message: Any, context_id: int, status: int, reason: str = "") -> None:
    """Send the last answer, unless the association has ended."""
    counted(message, status)
    if not association.is_established:
        return
    last = answer(message, status, reason)
    if isinstance(message, C_STORE):
        last.AffectedSOPInstanceUID = message.AffectedSOPInstanceUID
    association.dimse.send_msg(last, context_id)


def refuse(association: Acceptor, message: Any, context_id: int, reason: str) -> None:
    """Answer a request of any kind that the hub has no room for now: it may come again."""
    if isinstance(message, N_ACTION):
        counted(message, RESOURCE_LIMITATION)
        _send_action(association, message, context_id, RESOURCE_LIMITATION, reason)
        return
    finish(association, message, context_id, OUT_OF_RESOURCES, reason)


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
        named = wanted(_identifier(message, syntax), patient_root=abstract in _PATIENT_ROOTS)
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


def answer_action(conversation: "Conversation", association: Acceptor, message: N_ACTION, context_id: int) -> None:
    """Answer a request for storage commitment; what it is about is reported afterwards."""
    status, reason, node = _take_action(conversation, association, message, context_id)
    counted(message, status)
    _send_action(association, message, context_id, status, reason)
    if node is None:
        return
    if node.host:
        conversation.calls.hub.commitments_wait.set()
        return
    # The hub cannot call this application: it hears what is due as long as it is here.
    for one in conversation.calls.wait_for(of_node(conversation.calls.hub.database.reader, node.name)):
        if not try_on(conversation.calls, association, context_id, one):
            return


def _send_action(association: Acceptor, message: N_ACTION, context_id: int, status: int, reason: str) -> None:
    if not association.is_established:
        return
    made = N_ACTION()
    made.MessageIDBeingRespondedTo, made.Status = message.MessageID, status
    made.AffectedSOPClassUID, made.AffectedSOPInstanceUID = STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
    made.ActionTypeID = message.ActionTypeID
    setattr(made, "ErrorComment", comment(reason) or None)  # noqa: B010 - its type knows no text
    association.dimse.send_msg(made, context_id)


def _take_action(
    conversation: "Conversation", association: Acceptor, message: N_ACTION, context_id: int
) -> tuple[int, str, Binding | None]:
    """Return the status, why it is a failure, and who is to be told afterwards."""
    abstract, syntax = association.context(context_id)
    if abstract != STORAGE_COMMITMENT:
        return UNRECOGNISED_OPERATION, "", None
    if message.RequestedSOPInstanceUID != STORAGE_COMMITMENT_INSTANCE:
        return NO_SUCH_INSTANCE, "", None
    if message.ActionTypeID != REQUEST_STORAGE_COMMITMENT:
        return NO_SUCH_ACTION, "", None
    try:
        information = message.ActionInformation
        if information is None:
            raise InvalidRequest("The Action Information is missing")
        transaction, instances = requested(read(information.getvalue(), syntax))
    except (InvalidRequest, InvalidInstance) as error:
        return MISTYPED_ARGUMENT, str(error), None
    request = conversation.request("storage-commitment", [("TransactionUID", transaction)])

    async def work(request: DimseRequest) -> None:
        await keep_request(request, transaction, instances)

    done: Done[None] = conversation.calls.wait_for(carried_out(request, work))
    return done.code, done.reason, request.node.binding if done.code == SUCCESS else None
