"""N-ACTION answered, in the thread of the association that asks: a request for storage commitment.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_J.3.2.html
"""

from typing import TYPE_CHECKING

from pynetdicom.dimse_primitives import N_ACTION

from app.imaging.dimse.answers import counted, send_action
from app.imaging.dimse.carried_out import Done, carried_out
from app.imaging.dimse.commitment import keep_request, of_node
from app.imaging.dimse.node import Binding
from app.imaging.dimse.report import try_on
from app.imaging.dimse.request import DimseRequest
from dicom.failures import InvalidInstance
from dicom.services.acceptor import Acceptor
from dicom.services.commitment import REQUEST_STORAGE_COMMITMENT, InvalidRequest, requested
from dicom.services.contexts import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
from dicom.services.data_sets import read
from dicom.services.statuses import (
    MISTYPED_ARGUMENT,
    NO_SUCH_ACTION,
    NO_SUCH_INSTANCE,
    SUCCESS,
    UNRECOGNISED_OPERATION,
)

if TYPE_CHECKING:
    from app.imaging.dimse.conversation import Conversation


def answer_action(conversation: "Conversation", association: Acceptor, message: N_ACTION, context_id: int) -> None:
    """Answer a request for storage commitment; what it is about is reported afterwards."""
    status, reason, node = _take_action(conversation, association, message, context_id)
    counted(message, status)
    send_action(association, message, context_id, status, reason)
    if node is None:
        return
    if node.host:
        conversation.calls.hub.commitments_wait.set()
        return
    # The hub cannot call this application: it hears what is due as long as it is here.
    for one in conversation.calls.wait_for(of_node(conversation.calls.hub.database.reader, node.name)):
        if not try_on(conversation.calls, association, context_id, one):
            return


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
