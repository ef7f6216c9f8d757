"""Records that share one flush, and the answers that wait for it."""

import asyncio


class AuditUnavailable(Exception):
    """A record could not be made durable; nothing may be disclosed."""


class Batch:
    """Records that will share one flush, and those who wait for it.

    Each has a future of its own: one that is cancelled takes nothing from the others.
    """

    def __init__(self) -> None:
        self.records: list[tuple[int, bytes]] = []
        self.salts: dict[int, bytes] = {}
        self._waiting: list[asyncio.Future[None]] = []

    def written(self) -> asyncio.Future[None]:
        """Return a future that ends when the records are durable.

        Raises:
            AuditUnavailable: from the future: they could not be written.
        """
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        return waiter

    def tell(self, failure: AuditUnavailable | None = None) -> None:
        """Tell all who wait how it went."""
        for waiter in self._waiting:
            if waiter.done():
                continue
            if failure is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(failure)
