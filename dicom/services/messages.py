"""Messages as they come in, within bounds: the data set of a C-STORE goes to a file, everything else is small.

https://dicom.nema.org/medical/dicom/current/output/chtml/part07/chapter_6.html
"""

import queue
import time
from collections import deque
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RQ, DIMSEMessage
from pynetdicom.dimse_primitives import C_CANCEL
from pynetdicom.pdu_primitives import P_DATA

from dicom.services.statuses import comment

if TYPE_CHECKING:
    from pynetdicom.association import Association

MOST_COMMAND_BYTES = 65_536
MOST_IDENTIFIER_BYTES = 16 * 1024 * 1024
"""Of a data set that is no instance: a query, or the list of a storage commitment."""
MOST_WAITING = 8
"""Messages that came before the one before was answered: none is asked for."""
SLOWEST_BYTES_PER_SECOND = 1_000
"""What comes slower than that, after the time that any message has, holds a place that others need."""


class TooMuch(Exception):
    """A message exceeds a bound."""


class Spool(Protocol):
    """Where the data set of an instance goes."""

    def write(self, chunk: bytes) -> None:
        """Add bytes."""
        ...

    def discard(self) -> None:
        """Throw away what was written."""
        ...


def answer(message: Any, status: int, reason: str = "") -> Any:
    """Return the answer to a C-ECHO, C-STORE, C-FIND, C-MOVE or C-GET.

    Args:
        message: What is answered.
        status: How it went.
        reason: Why, for whoever asked; empty for nothing.
    """
    made = type(message)()
    made.MessageIDBeingRespondedTo, made.AffectedSOPClassUID = message.MessageID, message.AffectedSOPClassUID
    made.Status = status
    if reason:
        made.ErrorComment = comment(reason) or None
    return made


class _Command(BytesIO):
    def write(self, chunk: Any) -> int:
        if self.tell() + len(chunk) > MOST_COMMAND_BYTES:
            raise TooMuch("a command set is too large")
        return super().write(chunk)


class DataSetIn(BytesIO):
    """The data set of a message on its way in.

    Attributes:
        spool: Holds it, when the message is a C-STORE.
        size: Bytes that came.
        failure: Why the spool could not take it.
    """

    def __init__(self, message: DIMSEMessage, open_spool: Callable[[DIMSEMessage], Spool], most_bytes: int) -> None:
        super().__init__()
        self.spool: Spool | None = None
        self.size = 0
        self.failure: Exception | None = None
        self._message = message
        self._open_spool = open_spool
        self._most_bytes = most_bytes

    @property
    def is_too_large(self) -> bool:
        """Whether the instance is larger than one may be; nothing of it is kept."""
        return self.size > self._most_bytes

    def write(self, chunk: Any) -> int:
        """Take a piece; what cannot be kept is still taken, so that the sender hears of it."""
        self.size += len(chunk)
        if not isinstance(self._message, C_STORE_RQ):
            if self.size > MOST_IDENTIFIER_BYTES:
                raise TooMuch("a data set is too large")
            return super().write(chunk)
        if self.failure is None and not self.is_too_large:
            try:
                if self.spool is None:
                    self.spool = self._open_spool(self._message)
                self.spool.write(chunk)
            except Exception as error:
                self.failure = error
        return len(chunk)

    def forget(self) -> None:
        """Throw away what was kept in a file."""
        if self.spool is not None:
            self.spool.discard()
            self.spool = None


class Messages(DIMSEServiceProvider):
    """The messages of one association.

    Args:
        association: Whose they are.
        open_spool: Opens where the data set of a C-STORE goes; its command is read by then.
        most_bytes: The largest instance.
        seconds: How long any message may take; a large one that comes steadily takes longer.
    """

    def __init__(
        self,
        association: "Association",
        open_spool: Callable[[DIMSEMessage], Spool],
        *,
        most_bytes: int,
        seconds: float,
    ) -> None:
        super().__init__(association)
        self._open_spool = open_spool
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._began = 0.0
        self._incoming: DataSetIn | None = None
        self._aside: deque[tuple[int | None, Any]] = deque()

    def next(self, seconds: float) -> tuple[int | None, Any]:
        """Return the next message with the id of its context; None after so long without one."""
        if self._aside:
            return self._aside.popleft()
        try:
            return self.msg_queue.get(timeout=seconds)
        except queue.Empty:
            return None, None

    def response(self) -> Any:
        """Return the next answer to what was sent; requests that come meanwhile wait. None when there is none."""
        while True:
            context, message = self.get_msg(block=True)
            if message is None or message.MessageIDBeingRespondedTo is not None:
                return message
            if len(self._aside) >= MOST_WAITING:
                return None
            self._aside.append((context, message))

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take a piece of a message; a message that exceeds a bound ends the association."""
        try:
            self._receive(primitive)
        except Exception:
            # What strangers send is as many-sided as they are; none of it is answered but by an end.
            self.forget()
            self.message = None
            self.dul.event_queue.put("Evt19")

    def forget(self) -> None:
        """Throw away what has come of a message that will never be whole, and messages nobody has taken."""
        if self._incoming is not None:
            self._incoming.forget()
            self._incoming = None
        while True:
            try:
                _, message = self._aside.popleft() if self._aside else self.msg_queue.get_nowait()
            except queue.Empty:
                return
            data = getattr(message, "DataSet", None)
            if isinstance(data, DataSetIn):
                data.forget()

    def _receive(self, primitive: P_DATA) -> None:
        if self.message is None:
            self._begin()
        message, incoming = self.message, self._incoming
        if message is None or incoming is None:
            return
        if not message.decode_msg(primitive, self.assoc):
            elapsed = time.monotonic() - self._began - self._seconds
            if elapsed > 0 and incoming.size < elapsed * SLOWEST_BYTES_PER_SECOND:
                raise TooMuch("a message takes too long")
            return
        context = message.context_id or 0
        found = message.message_to_primitive()
        self.message = self._incoming = None
        if isinstance(found, C_CANCEL):
            if len(self.cancel_req) < MOST_WAITING:
                self.cancel_req[found.MessageIDBeingRespondedTo or 0] = found
            return
        if self.msg_queue.qsize() >= MOST_WAITING:
            incoming.forget()
            raise TooMuch("messages come faster than they are answered")
        self.msg_queue.put((context, found))

    def _begin(self) -> None:
        message = DIMSEMessage()
        message.encoded_command_set = _Command()
        self._incoming = DataSetIn(message, self._open_spool, self._most_bytes)
        message.data_set = self._incoming
        self.message, self._began = message, time.monotonic()
