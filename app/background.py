"""Work beside the requests, for as long as the hub runs."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any


def started(work: Coroutine[Any, Any, None], name: str) -> Callable[[], Awaitable[None]]:
    """Start a task and return what ends it."""
    task = asyncio.create_task(work, name=name)

    async def stop() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return stop
