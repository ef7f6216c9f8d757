"""Decoding of untrusted pixels in processes that may die: bounded memory, bounded time.

Decoders are C and C++ that read what strangers sent; see the weaknesses named in DICOM PS3.10 7.5 and
https://dicom.nema.org/medical/dicom/current/output/chtml/part10/sect_7.5.html
"""

import asyncio
import resource
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from dicom.failures import PROCESSING_FAILURE, InvalidInstance

TASKS_PER_WORKER = 1000
"""After so many a worker is replaced, so that what decoders leak is given back."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class DecodingPool:
    """Worker processes that decode; a worker that dies takes the frames in work with it and is replaced."""

    def __init__(self, workers: int, *, max_memory_bytes: int, max_seconds: float) -> None:
        """Prepare the pool; processes start with the first frame.

        Args:
            workers: How many processes.
            max_memory_bytes: Address space of each; numpy and the codecs alone map about 600 MB.
            max_seconds: Of wall time for one frame.
        """
        self._workers = workers
        self._max_memory_bytes = max_memory_bytes
        self._max_seconds = max_seconds
        self._executor: ProcessPoolExecutor | None = None
        self._suspects = asyncio.Lock()

    async def run(
        self, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """Return what `function`, a function of a module, returns in a worker.

        Raises:
            InvalidInstance: The function raised it, used too much memory or time, or crashed its process.
        """
        executor = self._executor or self._start()
        try:
            future = executor.submit(_bounded, self._max_seconds, function, args, kwargs)
            return await asyncio.wrap_future(future)
        except BrokenProcessPool:
            if self._executor is executor:
                self._executor = None
                executor.shutdown(wait=False)
            # This frame may only have shared the pool with the one that broke it: it is tried alone.
            return await self._alone(function, args, kwargs)

    def close(self) -> None:
        """Stop the workers after what they are doing."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None

    async def _alone(
        self, function: Callable[..., Result], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> Result:
        """Run a suspect in a process of its own, one suspect at a time."""
        async with self._suspects:
            executor = self._processes(1)
            try:
                future = executor.submit(_bounded, self._max_seconds, function, args, kwargs)
                return await asyncio.wrap_future(future)
            except BrokenProcessPool as error:
                reason = "a frame could not be decoded within its limits"
                raise InvalidInstance(reason, PROCESSING_FAILURE) from error
            finally:
                executor.shutdown(wait=False)

    def _start(self) -> ProcessPoolExecutor:
        self._executor = self._processes(self._workers)
        return self._executor

    def _processes(self, workers: int) -> ProcessPoolExecutor:
        # A fork would copy the server's open sockets, locks and keys into a process that reads hostile bytes.
        return ProcessPoolExecutor(
            workers,
            mp_context=get_context("spawn"),
            initializer=_limit,
            initargs=(self._max_memory_bytes,),
            max_tasks_per_child=TASKS_PER_WORKER,
        )


def _limit(max_memory_bytes: int) -> None:
    """Take from a fresh worker what a decoder does not need."""
    resource.setrlimit(resource.RLIMIT_AS, (max_memory_bytes, max_memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The parent alone answers Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _bounded(
    seconds: float, function: Callable[..., Result], args: tuple[object, ...], kwargs: dict[str, object]
) -> Result:
    """Run a task under an alarm that ends the process: no handler would run inside a decoder's loop."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return function(*args, **kwargs)
    except MemoryError as error:
        raise InvalidInstance("a frame needs too much memory", PROCESSING_FAILURE) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
