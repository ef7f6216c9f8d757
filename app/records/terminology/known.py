"""What a request knows of terminology: loaded packages, R4 itself, and what is stored and exists for the caller.

They are asked in this order, so nobody changes by a resource of theirs what a package or the standard says.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app.records.terminology.stored import named, overlay
from fhir.errors import NotFound, TooCostly
from fhir.resource import parse
from fhir.store.stored import Stored
from fhir.terminology.references import Name, known_references, references
from fhir.terminology.sources import Terminology, Versions, of_packages

if TYPE_CHECKING:
    from app.records.request import Request

MOST_FETCHED = 50
"""The most definitions that a request looks for in the store."""

THREAD_BYTES = 200_000
"""From so many bytes on, stored definitions are read in a thread, so that other requests go on."""


async def _found(request: "Request", shared: Terminology, wanted: Iterable[Name]) -> list[Stored]:
    """Return what is stored of what is wanted and what that refers to, as far as nothing else knows it.

    Raises:
        TooCostly: too much is referred to.
    """
    waiting, seen = deque(wanted), set[Name]()
    found: dict[tuple[str, str, int], Stored] = {}
    looked = 0
    while waiting:
        name = waiting.popleft()
        if name in seen:
            continue
        seen.add(name)
        if shared.known(*name) is None:
            looked += 1
            if looked > MOST_FETCHED:
                raise TooCostly(f"More than {MOST_FETCHED} code systems and value sets would be looked for")
            stored = await named(request, *name)
            if stored is not None:
                found[stored.type, stored.id, stored.version] = stored
                waiting += references(_resource(stored))
                continue
        waiting += known_references(shared, name)
    return list(found.values())


def _resource(one: Stored) -> dict[str, Any]:
    return {} if one.type == "CodeSystem" else parse(one.body)


async def terminology(
    request: "Request",
    wanted: Iterable[Name],
    inline: Iterable[Mapping[str, Any]] = (),
    versions: Versions | None = None,
) -> Terminology:
    """Return what is known of terminology for a request.

    Args:
        request: On whose behalf.
        wanted: What will be asked for; more that is stored is not looked for.
        inline: Resources whose references will be asked for.
        versions: Which versions of code systems are meant.

    Raises:
        TooCostly: too much is referred to.
    """
    shared = of_packages(await request.hub.packages.current())
    names = [*wanted, *(name for one in inline for name in references(one))]
    stored = await _found(request, shared, names)
    if not stored and not versions:
        return shared
    request.record.disclosed += stored
    if sum(len(one.body) for one in stored) > THREAD_BYTES:
        definitions = await asyncio.to_thread(overlay, request.hub.terms, stored)
    else:
        definitions = overlay(request.hub.terms, stored)
    return Terminology((*shared.sources, definitions), versions)


def unknown(type_name: str, canonical: str, expression: str) -> NotFound:
    """Return the failure of a definition that does not exist for the caller."""
    return NotFound(f"The {type_name} {canonical} is not known here", expression)
