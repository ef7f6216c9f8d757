"""What the commands share: a hub opened for one command, and failures as messages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

from app.access.directory import AlreadyThere, Unknown
from app.access.enrol import Invalid
from app.db import DatabaseUnavailable
from app.db.version import WrongVersion
from app.hub import Hub
from app.lifecycle import open_hub
from app.settings import settings
from fhir.errors import FhirError

P = ParamSpec("P")
T = TypeVar("T")

MESSAGES = (DatabaseUnavailable, WrongVersion, AlreadyThere, Unknown, Invalid, FhirError)
"""Failures that a person can do something about: shown as one line."""


@asynccontextmanager
async def opened() -> AsyncIterator[Hub]:
    """Open a hub for a command; its audit log runs, so that what the command does is recorded."""
    hub = await open_hub(settings())
    hub.audit.start()
    try:
        yield hub
    finally:
        await hub.close()


def synchronous(command: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Run an async command to its end; a known failure becomes a message and exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return asyncio.run(command(*args, **kwargs))
        except MESSAGES as error:
            raise click.ClickException(str(error)) from error

    return run
