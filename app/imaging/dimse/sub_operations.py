"""The sub-operations of a C-MOVE or C-GET: instances sent one after the other, and counted.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_C.4.2.html
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_GET, C_MOVE

from app.db import DatabaseUnavailable
from app.imaging.dimse.calls import Calls
from app.imaging.dimse.request import DimseRequest
from app.imaging.dimse.retrieve import context_for, is_still_there
from app.imaging.pixels import present
from dicom.services.acceptor import Acceptor
from dicom.services.messages import answer
from dicom.services.sending import NotSent, send_instance
from dicom.services.statuses import PENDING, SUCCESS
from dicom.store.read import InstanceRow
from fhir.errors import FhirError

_WARNING = 0xB000
"""The first of the statuses of C-STORE that are warnings: B000 to BFFF."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """How far the sub-operations are.

    Attributes:
        remaining: To come.
        completed: Acknowledged, with a warning or without.
        warned: Of those, with a warning.
        failed: The SOP Instance UIDs that were not taken or could not be sent.
        is_cancelled: Whether whoever asked took it back.
    """

    remaining: int = 0
    completed: int = 0
    warned: int = 0
    failed: list[str] = field(default_factory=list)
    is_cancelled: bool = False

    def told(self, message: C_MOVE | C_GET, status: int) -> Any:
        """Return an answer that says how many were sent; how many remain is not said of what has ended."""
        made = answer(message, status)
        made.NumberOfCompletedSuboperations, made.NumberOfFailedSuboperations = self.completed, len(self.failed)
        made.NumberOfWarningSuboperations = self.warned
        return made


class SubOperations:
    """The sub-operations of one request.

    Args:
        calls: By which bytes are fetched.
        request: What is carried out.
        association: Of who asked.
        message: What it asked.
        context_id: Under which.
    """

    def __init__(
        self, calls: Calls, request: DimseRequest, association: Acceptor, message: C_MOVE | C_GET, context_id: int
    ) -> None:
        self._calls, self._request = calls, request
        self._association, self._message, self._context_id = association, message, context_id

    def run(self, rows: Sequence[InstanceRow], to: Association, takes: Mapping[tuple[str, str], int]) -> Counts:
        """Send instances to an association and return what became of them.

        Args:
            rows: The instances.
            to: The association; of a C-GET that of who asked.
            takes: Its contexts by class and transfer syntax.
        """
        counts = Counts(remaining=len(rows))
        for number, row in enumerate(rows, start=1):
            if self._association.is_cancelled(self._message.MessageID or 0):
                counts.is_cancelled = True
                break
            try:
                status = self._sent(row, to, takes, number)
            except NotSent:
                # Nothing more can be sent there.
                counts.failed += [one.sop_instance_uid for one in rows[number - 1 :]]
                counts.remaining = 0
                break
            counts.remaining -= 1
            if status is None or (status != SUCCESS and status & 0xF000 != _WARNING):
                counts.failed.append(row.sop_instance_uid)
            else:
                counts.completed += 1
                counts.warned += status != SUCCESS
            if counts.remaining:
                self._tell(counts)
        return counts

    def _sent(self, row: InstanceRow, to: Association, takes: Mapping[tuple[str, str], int], number: int) -> int | None:
        """Return how an instance was answered; None when it cannot be sent.

        Raises:
            NotSent: the association is of no more use.
        """
        try:
            if not self._calls.wait_for(is_still_there(self._request, row)):
                return None
            row = self._calls.wait_for(present(self._calls.hub, row))
            found = context_for(row, takes)
            if found is None:
                return None
            syntax, context_id = found
            pieces = self._calls.pieces(row, syntax)
        except (FhirError, DatabaseUnavailable, OSError) as error:
            logger.warning("An instance is not sent: %s", error)
            return None
        originator = None
        if isinstance(self._message, C_MOVE):
            originator = str(self._association.requestor.ae_title), self._message.MessageID or 0
        uids = row.sop_class_uid, row.sop_instance_uid
        try:
            return send_instance(to, context_id, number & 0xFFFF or 1, uids, pieces, originator)
        except (FhirError, DatabaseUnavailable, OSError) as error:
            raise NotSent("The bytes of an instance ended early") from error

    def _tell(self, counts: Counts) -> None:
        if not self._association.is_established:
            return
        pending = counts.told(self._message, PENDING)
        pending.NumberOfRemainingSuboperations = counts.remaining
        self._association.dimse.send_msg(pending, self._context_id)
