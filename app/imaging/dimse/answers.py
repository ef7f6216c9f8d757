"""How every message of an association is answered: with a status that is counted, unless the association has ended.

https://dicom.nema.org/medical/dicom/current/output/chtml/part07/chapter_9.html
"""

from typing import Any

from pynetdicom.dimse_primitives import C_STORE, N_ACTION

from app.imaging.dimse import metrics
from dicom.services.acceptor import Acceptor
from dicom.services.contexts import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
from dicom.services.data_sets import Small, read
from dicom.services.identifiers import InvalidIdentifier
from dicom.services.messages import answer
from dicom.services.statuses import OUT_OF_RESOURCES, RESOURCE_LIMITATION, comment


def counted(message: Any, status: int) -> None:
    """Count a request by how it was answered."""
    metrics.MESSAGES.labels(type(message).__name__, f"{status:04X}").inc()


def identifier(message: Any, syntax: str) -> Small:
    """Return the identifier of a C-FIND, C-MOVE or C-GET, in a transfer syntax.

    Raises:
        InvalidIdentifier: it is missing.
        InvalidInstance: it is no data set.
    """
    if message.Identifier is None:
        raise InvalidIdentifier("The identifier is missing")
    return read(message.Identifier.getvalue(), syntax)


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
        send_action(association, message, context_id, RESOURCE_LIMITATION, reason)
        return
    finish(association, message, context_id, OUT_OF_RESOURCES, reason)


def send_action(association: Acceptor, message: N_ACTION, context_id: int, status: int, reason: str) -> None:
    """Answer a request for storage commitment, unless the association has ended."""
    if not association.is_established:
        return
    made = N_ACTION()
    made.MessageIDBeingRespondedTo, made.Status = message.MessageID, status
    made.AffectedSOPClassUID, made.AffectedSOPInstanceUID = STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
    made.ActionTypeID = message.ActionTypeID
    setattr(made, "ErrorComment", comment(reason) or None)  # noqa: B010 - its type knows no text
    association.dimse.send_msg(made, context_id)
