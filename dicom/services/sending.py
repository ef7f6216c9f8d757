"""Sending an instance by C-STORE: its bytes pass by in pieces, the whole is never in memory.

https://dicom.nema.org/medical/dicom/current/output/chtml/part07/sect_9.3.html
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import P_DATA

from dicom.services.messages import Messages

LARGEST_PDU_BYTES = 131_072
_HEAD_BYTES = 6
"""Of a PDV in its PDU: length, context, control header."""
_MOST_WAITING = 16
"""PDUs that wait to be sent: more would only fill the memory."""
_LAST, _NOT_LAST = b"\2", b"\0"


class NotSent(Exception):
    """The other side did not answer, or the association has ended."""


def send_instance(
    association: Association,
    context_id: int,
    message_id: int,
    uids: tuple[str, str],
    pieces: Iterable[bytes],
    originator: tuple[str, int] | None = None,
) -> int:
    """Send an instance and return the status with which it was answered.

    Args:
        association: An association on which nothing else is under way.
        context_id: Of a context of the instance's class and syntax.
        message_id: Not in use.
        uids: SOP Class and Instance UID.
        pieces: The data set, in that syntax; at least one byte.
        originator: Who asked for it by C-MOVE: its AE title and the id of its message.

    Raises:
        NotSent: there was no answer; the association is of no more use.
    """
    request = C_STORE()
    request.MessageID, request.Priority = message_id, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = uids
    if originator is not None:
        request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID = originator
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    message.data_set = None
    message.command_set.CommandDataSetType = 0x0001
    message._set_command_group_length()
    most = association.dimse.maximum_pdu_size or LARGEST_PDU_BYTES
    for command in message.encode_msg(context_id, most):
        association.dul.send_pdu(command)
    try:
        for control, chunk in _fragments(pieces, min(most, LARGEST_PDU_BYTES) - _HEAD_BYTES):
            _wait_for_room(association)
            data = P_DATA()
            data.presentation_data_value_list.append((context_id, control + chunk))
            association.dul.send_pdu(data)
    except Exception:
        # Half an instance cannot be taken back.
        association.abort()
        raise
    answer = answer_to(association)
    if not isinstance(answer, C_STORE) or answer.Status is None or answer.MessageIDBeingRespondedTo != message_id:
        association.abort()
        raise NotSent("The instance was not acknowledged")
    return answer.Status


def answer_to(association: Association) -> Any:
    """Return the answer to what was sent last; None when there is none."""
    messages = association.dimse
    return messages.response() if isinstance(messages, Messages) else messages.get_msg(block=True)[1]


def _fragments(pieces: Iterable[bytes], most: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield pieces of at most so many bytes, each with whether it is the last."""
    before = b""
    for piece in pieces:
        view = memoryview(piece)
        for start in range(0, len(piece), most):
            if before:
                yield _NOT_LAST, before
            before = bytes(view[start : start + most])
    yield _LAST, before


def _wait_for_room(association: Association) -> None:
    while association.dul.to_provider_queue.qsize() >= _MOST_WAITING:
        if not association.is_established or not association.dul.is_alive():
            raise NotSent("The association has ended")
        time.sleep(0.001)
