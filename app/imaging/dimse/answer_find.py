"""C-FIND answered, in the thread of the association that asks: what is found is `app.imaging.dimse.find`.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_C.4.html
"""

from io import BytesIO
from typing import TYPE_CHECKING

from pynetdicom.dimse_primitives import C_FIND

from app.imaging.dimse.answers import finish, identifier
from app.imaging.dimse.carried_out import Done, carried_out
from app.imaging.dimse.find import Matches, find
from app.imaging.dimse.request import DimseRequest
from dicom.failures import InvalidInstance
from dicom.services.acceptor import Acceptor
from dicom.services.contexts import FINDS, PATIENT_ROOT_FIND
from dicom.services.data_sets import write
from dicom.services.identifiers import Asked, InvalidIdentifier, answered, asked
from dicom.services.messages import answer
from dicom.services.statuses import (
    CANCEL,
    IDENTIFIER_DOES_NOT_MATCH,
    OUT_OF_RESOURCES,
    PENDING,
    PENDING_UNSUPPORTED,
    SUCCESS,
    UNRECOGNISED_OPERATION,
)

if TYPE_CHECKING:
    from app.imaging.dimse.conversation import Conversation


def answer_find(conversation: "Conversation", association: Acceptor, message: C_FIND, context_id: int) -> None:
    """Answer a C-FIND: a pending answer for each match, on record before the first, and a last one."""
    abstract, syntax = association.context(context_id)
    if abstract not in FINDS:
        finish(association, message, context_id, UNRECOGNISED_OPERATION)
        return
    try:
        question = asked(identifier(message, syntax), patient_root=abstract == PATIENT_ROOT_FIND)
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
