"""Writes of the hub itself on behalf of an organisation: the same gate, without a door."""

from typing import Any

from app.access import epoch
from app.access.caller import Caller
from app.access.directory import Organisation
from app.hub import Hub
from app.records.commit import committed
from app.records.prepare import prepare
from app.records.request import FhirRequest, replayed
from app.records.writing import Writing
from fhir.store.stored import Stored


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
