"""Checks beside the event loop where they take long: of large bodies, and by profiles that are used for the first time.

To compile a profile takes up to seconds. What is compiled already is checked by in the loop, where that costs a
fraction of a millisecond.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from app.hub import Hub
from fhir.errors import FhirError
from fhir.profiles.compiling import Uncompiled, only_compiled

THREAD_BYTES = 200_000
"""From so many bytes on, a body is checked in a thread."""

T = TypeVar("T")


class _Aside(Exception):
    """What a transaction comes to is not compiled: it ends, so that nobody waits for its lock meanwhile."""

    def __init__(self, do: Callable[[], object]) -> None:
        super().__init__()
        self.do = do


async def checked(hub: Hub, do: Callable[[], T], size: int) -> T:
    """Return what `do` returns, without keeping other requests waiting.

    Args:
        hub: The running hub.
        do: Checks resources by profiles; it is called again where it comes to what is not compiled.
        size: How large these are, in bytes.
    """
    if size > THREAD_BYTES:
        return await asyncio.to_thread(do)
    found = _at_once(do)
    if found is not None:
        return found[0]
    return await _compiled(hub, do)


def checked_inside(do: Callable[[], T]) -> T:
    """Return what `do` returns, inside of a write transaction that `begun_again` began."""
    found = _at_once(do)
    if found is None:
        raise _Aside(do)
    return found[0]


async def begun_again(hub: Hub, attempt: Callable[[], Awaitable[T]]) -> T:
    """Return what `attempt` returns, a write transaction; it is begun again once all is compiled that it came to."""
    while True:
        try:
            return await attempt()
        except _Aside as aside:
            do = aside.do
        # What it refuses is refused again, inside.
        with suppress(FhirError):
            await _compiled(hub, do)


async def _compiled(hub: Hub, do: Callable[[], T]) -> T:
    """Return what `do` returns; one thread compiles at a time, and who waits for it takes none from others."""
    async with hub.compiling:
        found = _at_once(do)
        return found[0] if found is not None else await asyncio.to_thread(do)


def _at_once(do: Callable[[], T]) -> tuple[T] | None:
    """Return what `do` returns; None when it comes to what is not compiled."""
    try:
        with only_compiled():
            return (do(),)
    except Uncompiled:
        return None
