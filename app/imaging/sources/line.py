"""The line to one source: how many ask it at once, and when nobody asks because it fails again and again.

A breaker opens after some failures in a row and lets one request through after a while; it doubles the while.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING

import httpx

from app.db import DatabaseUnavailable
from app.imaging.sources.address import LOOKED_AT_SECONDS, resolved
from app.imaging.sources.client import client_of
from app.imaging.sources.failures import SourceBusy, SourceFailed, SourceSlow, Untrue
from app.imaging.sources.metrics import OPEN, REQUESTS
from app.imaging.sources.source import ImagingSource
from app.imaging.sources.state import note
from app.imaging.sources.tls import Tls, tls_of, unreachable

if TYPE_CHECKING:
    from app.hub import Hub

OPENS_AFTER = 5
"""Failures in a row."""

OPEN_SECONDS = 15.0
"""For so long nobody asks, the first time; and twice as long each further time, up to the longest."""

LONGEST_OPEN_SECONDS = 300.0

TURN_SECONDS = 20.0
"""How long a request waits for its turn."""

NOTED_SECONDS = 30.0
"""How often it is noted that all is well."""

logger = logging.getLogger(__name__)


class Line:
    """The line of one process to a source.

    Args:
        hub: The running hub.
        source: As it is registered now.

    Attributes:
        source: That.
        threads: What blocks while it asks the source runs here.
    """

    def __init__(self, hub: "Hub", source: ImagingSource) -> None:
        self.source = source
        self._hub = hub
        # What a C-MOVE sends says not to which question it belongs: one at a time.
        self._turns = asyncio.Semaphore(1 if source.get_by == "c-move" else source.at_once)
        self._failures = 0
        self._open_until = 0.0
        self._noted = -NOTED_SECONDS
        self._tasks: set[asyncio.Task[None]] = set()
        # Threads of its own: a source that is slow to answer DIMSE takes none from the rest of the hub.
        self.threads = ThreadPoolExecutor(source.at_once, f"imaging-source-{source.name}")
        self._client: httpx.AsyncClient | None = None
        self._tls: Tls | None = None
        self._addresses: dict[tuple[str, int], tuple[str, float]] = {}

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Take a turn at asking the source, and note how it ends.

        Raises:
            SourceBusy: there is no turn, or the source fails again and again.
            SourceSlow: the source took longer than it may.
            SourceFailed: it could not be asked.
        """
        name = self.source.name
        if monotonic() < self._open_until:
            REQUESTS.labels(name, "not asked").inc()
            raise SourceBusy.because(name, "not_asked")
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError as error:
            REQUESTS.labels(name, "no turn").inc()
            raise SourceBusy.because(name, "turns") from error
        try:
            async with asyncio.timeout(self.source.seconds):
                yield
        except Untrue:
            # The line is sound.
            self._well("untrue")
            raise
        except SourceBusy:
            raise
        except (TimeoutError, httpx.TimeoutException) as error:
            slow = SourceSlow.because(name, "slow")
            self._ill(slow)
            raise slow from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            failed = SourceFailed.because(name, *unreachable(self._of_tls() or error))
            self._ill(failed)
            raise failed from error
        except SourceFailed as error:
            self._ill(error)
            raise
        else:
            self._well("answered")
        finally:
            self._turns.release()

    async def address(self, host: str, port: int) -> str:
        """Return the IP address at which the source is asked, looked at not long ago.

        Raises:
            SourceFailed: the host leads nowhere, or not to where the source may be.
        """
        known = self._addresses.get((host, port))
        if known is None or monotonic() - known[1] > LOOKED_AT_SECONDS:
            found = await resolved(self.source.name, host, port, self.source.networks)
            known = self._addresses[host, port] = found, monotonic()
        return known[0]

    async def client(self) -> httpx.AsyncClient:
        """Return what speaks HTTP to the source: no redirects, no proxies of the environment, own credentials.

        Raises:
            SourceFailed: its certificate or its authority cannot be read.
        """
        if self._client is None:
            self._tls = await asyncio.to_thread(tls_of, self.source)
            self._client = client_of(self.source, self._tls)
        return self._client

    def _of_tls(self) -> ssl.SSLError | None:
        """Return what TLS failed with, and forget it."""
        if self._tls is None:
            return None
        failure, self._tls.failure = self._tls.failure, None
        return failure

    def _well(self, end: str) -> None:
        REQUESTS.labels(self.source.name, end).inc()
        self._of_tls()
        failed, self._failures, self._open_until = self._failures, 0, 0.0
        OPEN.labels(self.source.name).set(0)
        if failed or monotonic() - self._noted >= NOTED_SECONDS:
            self._note("")

    def _ill(self, error: SourceFailed) -> None:
        REQUESTS.labels(self.source.name, "failed").inc()
        self._failures += 1
        if self._failures >= OPENS_AFTER:
            wait = min(OPEN_SECONDS * 2 ** min(self._failures - OPENS_AFTER, 10), LONGEST_OPEN_SECONDS)
            self._open_until = monotonic() + wait
            OPEN.labels(self.source.name).set(1)
        logger.warning("%s", error)
        self._note(error.noted)

    def _note(self, failure: str) -> None:
        """Note in the database how the source is doing, beside the request."""
        self._noted = monotonic()
        wait = max(0.0, self._open_until - self._noted)
        task = asyncio.create_task(self._write(failure, self._failures, wait))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, failure: str, failures: int, wait: float) -> None:
        try:
            await note(self._hub, self.source.key, failure=failure, failures=failures, wait_seconds=wait)
        except DatabaseUnavailable as error:
            logger.warning("How an imaging source is doing cannot be noted: %s", error)

    async def close(self) -> None:
        """Write what waits and close the connections."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
        self.threads.shutdown(wait=False, cancel_futures=True)
