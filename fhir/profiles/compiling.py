"""Whether a thread may compile definitions now, which takes up to seconds, or is to leave that to another one.

What is compiled is kept, so a check that has to compile is the first of its kind.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Uncompiled(Exception):
    """What is wanted is not compiled yet, and this thread does not do it."""


class _Thread(threading.local):
    only_compiled = False


_thread = _Thread()


def may_compile() -> bool:
    """Return whether this thread may compile now."""
    return not _thread.only_compiled


def about_to_compile() -> None:
    """Say, before anything is compiled or read for that, that it is.

    Raises:
        Uncompiled: not in this thread, now.
    """
    if _thread.only_compiled:
        raise Uncompiled


@contextmanager
def only_compiled() -> Iterator[None]:
    """Compile nothing in this thread meanwhile: what would, raises `Uncompiled`."""
    before, _thread.only_compiled = _thread.only_compiled, True
    try:
        yield
    finally:
        _thread.only_compiled = before
