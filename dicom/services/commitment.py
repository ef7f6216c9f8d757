"""Storage commitment: which instances a sender asks about, and the report of what is kept and what is not.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/chapter_J.html
"""

from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_EVENT_REPORT

from dicom.services.contexts import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
from dicom.services.data_sets import Small, write
from dicom.services.sending import NotSent, answer_to
from dicom.services.statuses import SUCCESS
from dicom.values import is_uid

REQUEST_STORAGE_COMMITMENT = 1
"""Action Type ID."""
_SUCCESSFUL, _FAILURES_EXIST = 1, 2
"""Event Type ID."""

_TRANSACTION_UID = 0x00081195
_REFERENCED_SOP_SEQUENCE, _FAILED_SOP_SEQUENCE = 0x00081199, 0x00081198
_REFERENCED_SOP_CLASS_UID, _REFERENCED_SOP_INSTANCE_UID, _FAILURE_REASON = 0x00081150, 0x00081155, 0x00081197
_RETRIEVE_AE_TITLE = 0x00080054

MOST_INSTANCES = 9_000
"""In one request."""


class Referenced(NamedTuple):
    """An instance that is asked about."""

    sop_class_uid: str
    sop_instance_uid: str


class InvalidRequest(ValueError):
    """The Action Information is not what it should be; its text says why."""


def requested(information: Small) -> tuple[str, list[Referenced]]:
    """Return the Transaction UID and the instances of a request.

    Raises:
        InvalidRequest: a part is missing, or no UID.
    """
    transaction = information.text(_TRANSACTION_UID)
    items = information.items(_REFERENCED_SOP_SEQUENCE)
    if not is_uid(transaction):
        raise InvalidRequest("The Transaction UID is missing")
    if not 0 < len(items) <= MOST_INSTANCES:
        raise InvalidRequest(f"1 to {MOST_INSTANCES} instances are committed at a time")
    found = [
        Referenced(
            information.text(_REFERENCED_SOP_CLASS_UID, item), information.text(_REFERENCED_SOP_INSTANCE_UID, item)
        )
        for item in items
    ]
    if not all(is_uid(uid) for one in found for uid in one):
        raise InvalidRequest("A referenced instance has no UIDs")
    return transaction, found


def report(
    association: Association,
    context_id: int,
    title: str,
    transaction: str,
    kept: Sequence[Referenced],
    failed: Sequence[tuple[Referenced, int]],
) -> None:
    """Report what is kept, and what is not and why.

    Args:
        association: An association on which nothing else is under way.
        context_id: Of a context of storage commitment.
        title: The AE title where what is kept is retrieved.
        transaction: The Transaction UID.
        kept: The instances that are kept.
        failed: Those that are not, each with its Failure Reason.

    Raises:
        NotSent: the report was not acknowledged.
    """
    event = N_EVENT_REPORT()
    event.MessageID = 1
    event.AffectedSOPClassUID = STORAGE_COMMITMENT
    event.AffectedSOPInstanceUID = STORAGE_COMMITMENT_INSTANCE
    event.EventTypeID = _FAILURES_EXIST if failed else _SUCCESSFUL
    context = next((one for one in association.accepted_contexts if one.context_id == context_id), None)
    if context is None:
        raise NotSent("No context of storage commitment was agreed on")
    syntax = str(context.transfer_syntax[0])
    event.EventInformation = BytesIO(write(_information(title, transaction, kept, failed), syntax))
    association.dimse.send_msg(event, context_id)
    answer = answer_to(association)
    if not isinstance(answer, N_EVENT_REPORT) or answer.Status != SUCCESS:
        raise NotSent("The report was not acknowledged")


def _information(
    title: str, transaction: str, kept: Sequence[Referenced], failed: Sequence[tuple[Referenced, int]]
) -> dict[int, tuple[str, list[object]]]:
    def item(one: Referenced, reason: int | None = None) -> dict[int, tuple[str, list[object]]]:
        said: dict[int, tuple[str, list[object]]] = {
            _REFERENCED_SOP_CLASS_UID: ("UI", [one.sop_class_uid]),
            _REFERENCED_SOP_INSTANCE_UID: ("UI", [one.sop_instance_uid]),
        }
        return said if reason is None else said | {_FAILURE_REASON: ("US", [reason])}

    found: dict[int, tuple[str, list[object]]] = {
        _TRANSACTION_UID: ("UI", [transaction]),
        _RETRIEVE_AE_TITLE: ("AE", [title]),
    }
    if kept:
        found[_REFERENCED_SOP_SEQUENCE] = ("SQ", [item(one) for one in kept])
    if failed:
        found[_FAILED_SOP_SEQUENCE] = ("SQ", [item(one, reason) for one, reason in failed])
    return found
