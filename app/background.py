"""Work beside the requests, for as long as the hub runs."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from app.db import DatabaseUnavailable

P = ParamSpec("P")
T = TypeVar("T")


def started(work: Coroutine[Any, Any, None], name: str) -> Callable[[], Awaitable[None]]:
    """Start a task and return what ends it."""
    task = asyncio.create_task(work, name=name)

    async def stop() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return stop


async def again(
    work: Callable[[], Awaitable[object]],
    seconds: float,
    logger: logging.Logger,
    *,
    waits: str,
    fails: str,
    passing: tuple[type[Exception], ...] = (DatabaseUnavailable,),
    longest_seconds: float = 0.0,
    at_once: bool = False,
) -> None:
    """Do some work again and again until it is cancelled; what cannot be done now is done later, so no failure ends it.

    Args:
        work: What is done.
        seconds: How long after it was done it is done again.
        logger: Is told of failures.
        waits: What is said when it fails as it may, before the reason.
        fails: What is said of any other failure, before its traceback.
        passing: How it may fail.
        longest_seconds: To which it waits longer and longer while it fails; no longer than ever when it is less.
        at_once: Whether it is done at once the first time.
    """
    longest = max(seconds, longest_seconds)
    wait = 0.0 if at_once else seconds
    while True:
        await asyncio.sleep(wait)
        try:
            await work()
        except passing as error:
            logger.warning("%s: %s", waits, error)
            wait = min(max(seconds, wait * 2), longest)
        except Exception:
            logger.exception(fails)
            wait = longest
        else:
            wait = seconds


def apart(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> "asyncio.Future[T]":
    """Run a function in a thread of its own and return its result to come.

    The end of the process does not wait for it: what it asks of a disk that hangs may never be answered.

    Raises:
        RuntimeError: no thread can be started.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def tell(result: list[T], error: BaseException | None) -> None:
        if not answer.done():
            answer.set_result(result[0]) if error is None else answer.set_exception(error)

    def work() -> None:
        result: list[T] = []
        failure = None
        try:
            result.append(function(*arguments, **named))
        except BaseException as error:
            failure = error
        # The loop may be closed by now: then nobody waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, result, failure)

    threading.Thread(target=work, name=f"apart: {getattr(function, '__name__', '')}", daemon=True).start()
    return answer
