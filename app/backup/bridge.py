"""From an asynchronous iterator in the event loop to a plain one in a thread.

Compression, encryption and the proof of the audit tree are plain code that pulls; what they pull comes from the loop.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

T = TypeVar("T")


async def _next(source: AsyncIterator[T]) -> list[T]:
    async for one in source:
        return [one]
    return []


def blocking(source: AsyncIterator[T], loop: asyncio.AbstractEventLoop) -> Iterator[T]:
    """Return the values of `source`, in a thread other than the loop's."""
    while one := asyncio.run_coroutine_threadsafe(_next(source), loop).result():
        yield one[0]
