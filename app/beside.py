"""Work that needs a processor and no database, in a process beside the hub's own, so that both go on at once."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

TASKS_PER_PROCESS = 10_000
"""After so many a process is replaced."""


def _begin() -> None:
    # The hub alone answers Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_hub, name="end with the hub", daemon=True).start()


def _end_with_the_hub() -> None:
    """End when the hub has, however it did: nobody would end a process that waits for work."""
    hub = parent_process()
    if hub is not None:
        hub.join()
        os._exit(1)


class Beside:
    """Processes that are started when they are first needed.

    Args:
        processes: How many.
    """

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._executor: Executor | None = None

    def start(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
        """Begin a function of a module and return its result to come; what it takes and returns is copied."""
        if self._executor is None:
            # A fork would copy the hub's connections and keys.
            context = get_context("spawn")
            self._executor = ProcessPoolExecutor(
                self._processes, mp_context=context, initializer=_begin, max_tasks_per_child=TASKS_PER_PROCESS
            )
        try:
            return asyncio.wrap_future(self._executor.submit(function, *args, **kwargs))
        except BrokenProcessPool:
            self._executor = None
            return asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))

    def close(self) -> None:
        """End the processes."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
