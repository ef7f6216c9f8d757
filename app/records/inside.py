"""Writes of the hub itself on behalf of an organisation: the same gate, without a door."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import orjson

from app.access import epoch
from app.access.caller import Caller
from app.access.directory import Organisation
from app.db import DatabaseUnavailable, WriteConnection
from app.hub import Hub
from app.records.commit import committed
from app.records.prepare import prepare
from app.records.record import StaleCaller
from app.records.request import FhirRequest, replayed
from app.records.writing import Writing
from fhir.store.read import read
from fhir.store.stored import Stored

MOST_ATTEMPTS = 3
"""How often a write is begun when rights keep changing under it."""

T = TypeVar("T")


async def attempted(attempt: Callable[[], Awaitable[T]], *, also: tuple[type[Exception], ...] = ()) -> T:
    """Return what `attempt` returns, which is begun again while the rights of callers change under it.

    Args:
        attempt: Makes its own request, and leaves nothing behind when it fails.
        also: What else it is begun again after; the last of these is raised in the end.

    Raises:
        DatabaseUnavailable: rights keep changing.
    """
    late: Exception = DatabaseUnavailable("The rights of callers keep changing")
    for _ in range(MOST_ATTEMPTS):
        try:
            return await attempt()
        except StaleCaller:
            continue
        except also as error:
            late = error
    raise late


async def inside_request(hub: Hub, organisation: Organisation, method: str, path: str) -> FhirRequest:
    """Return a request in the name of an organisation's own system, made by the hub."""
    caller = Caller(
        organisation.key,
        organisation.slug,
        organisation.title,
        organisation.reference,
        "system",
        "HOPERAT",
        "renkei",
        epoch=await epoch.current(hub.database.reader),
    )
    scope: dict[str, Any] = {"method": method, "path": path, "query_string": b"", "headers": [], "client": None}
    return FhirRequest(hub, scope, replayed(b""), caller)


async def write_as(hub: Hub, organisation: Organisation, body: bytes) -> Stored:
    """Store a resource in an organisation's custody under the id that is in it.

    Raises:
        FhirError: the resource is refused.
    """
    request = await inside_request(hub, organisation, "PUT", "/fhir/")
    request.interaction, request.action = "update", "U"
    prepared = prepare(body, request.authority)
    id_ = str(prepared.resource["id"])

    async def work(writing: Writing) -> Stored:
        return await writing.update(prepared, id_, any_id=True)

    return await committed(request, work)


async def write_new_as(hub: Hub, organisation: Organisation, body: bytes) -> Stored:
    """Store a new resource in an organisation's custody.

    Raises:
        FhirError: the resource is refused.
    """
    request = await inside_request(hub, organisation, "POST", "/fhir/")
    request.interaction, request.action = "create", "C"
    prepared = prepare(body, request.authority)

    async def work(writing: Writing) -> Stored:
        return await writing.create(prepared)

    return await committed(request, work)


Change = Callable[[WriteConnection], Awaitable[Sequence[Mapping[str, Any]]]]
"""Changes tables of the hub's own inside a transaction, and returns the resources that follow, each with its id."""


async def write_with(hub: Hub, organisation: Organisation, change: Change) -> Sequence[Stored]:
    """Carry out a change of the hub's own tables, and store the resources that follow from it, in one transaction.

    A resource that says already what it would say is left alone. `change` may be carried out again when rights have
    changed meanwhile; then nothing of the first time was written.

    Returns:
        The versions that were written.

    Raises:
        FhirError: a resource is refused; nothing was changed.
        DatabaseUnavailable: nothing was changed.
    """

    async def attempt() -> Sequence[Stored]:
        request = await inside_request(hub, organisation, "PUT", "/fhir/")
        request.interaction, request.action = "update", "U"

        async def work(writing: Writing) -> Sequence[Stored]:
            written = []
            for resource in await change(writing.connection):
                type_name, id_ = resource["resourceType"], resource["id"]
                current = await read(writing.connection, request.visibility, type_name, id_)
                if current is None or current.deleted or _said(current.body) != resource:
                    prepared = prepare(orjson.dumps(resource), request.authority)
                    written.append(await writing.update(prepared, id_, any_id=True))
            return written

        return await committed(request, work)

    return await attempted(attempt)


def _said(body: bytes) -> Mapping[str, Any]:
    """Return what a stored resource says, without what the hub has put in."""
    said: dict[str, Any] = orjson.loads(body)
    said.pop("meta", None)
    return said
