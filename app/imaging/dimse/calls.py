"""Calls between the threads of associations and the hub's event loop."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from app.access.door_tls import calling
from app.hub import Hub
from app.imaging.dimse.node import Binding
from app.imaging.dimse.retrieve import data_set_of
from app.imaging.dimse.store import PIECE_BYTES
from app.imaging.dimse.together import Together
from app.imaging.pixels import stored_bytes
from dicom.services.requestor import Place
from dicom.store.read import InstanceRow

T = TypeVar("T")


class Calls:
    """Calls into the event loop of the hub, from other threads.

    Args:
        hub: The running hub.
        loop: Its event loop.

    Attributes:
        together: Files instances that come at once.
    """

    def __init__(self, hub: Hub, loop: asyncio.AbstractEventLoop) -> None:
        self.hub = hub
        self.loop = loop
        self.together = Together()

    def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the loop and return what it returns; the thread waits.

        Raises:
            RuntimeError: the loop has ended.
        """
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop).result()
        except RuntimeError:
            work.close()
            raise

    def place_of(self, binding: Binding) -> Place:
        """Return where a node is called.

        Raises:
            OSError: its connection is to be secured, and the settings do not allow it.
        """
        secured = calling(self.hub.settings, "dimse") if binding.secured else None
        return Place(binding.title, binding.host, binding.port, secured)

    def pieces(self, row: InstanceRow, syntax: str) -> Iterator[bytes]:
        """Yield the data set of an instance in a transfer syntax, piece by piece; the first is there before it returns.

        Raises:
            FhirError: it cannot be had.
        """
        start, made = self.wait_for(data_set_of(self.hub, row, syntax))
        if made is not None:
            return iter((made,))
        first = self.wait_for(stored_bytes(self.hub, row, start, min(PIECE_BYTES, row.size - start)))
        return self._pieces(row, start, first)

    def _pieces(self, row: InstanceRow, start: int, first: bytes) -> Iterator[bytes]:
        yield first
        for position in range(start + len(first), row.size, PIECE_BYTES):
            length = min(PIECE_BYTES, row.size - position)
            yield self.wait_for(stored_bytes(self.hub, row, position, length))
