"""Work beside the requests, for as long as the hub runs."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def started(work: Coroutine[Any, Any, None], name: str) -> Callable[[], Awaitable[None]]:
    """Start a task and return what ends it."""
    task = asyncio.create_task(work, name=name)

    async def stop() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return stop


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
