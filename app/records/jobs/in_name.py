"""A request that nobody sends: the hub makes it in the name of the client whose job it works on."""

from typing import Any

from sqlalchemy import bindparam, select

from app.access import epoch
from app.access.caller import Caller
from app.access.scopes import parse
from app.access.tables import client, organisation
from app.hub import Hub
from app.records.jobs.job import Job
from app.records.jobs.run import Lost
from app.records.request import FhirRequest, replayed

_CLIENT = (
    select(*(organisation.c.key, organisation.c.slug, organisation.c.title, organisation.c.resource_id), client.c.role)
    .join(client, client.c.organisation == organisation.c.key)
    .where(client.c.id == bindparam("id"), client.c.disabled == 0)
)


async def caller_of(hub: Hub, job: Job) -> Caller:
    """Return the client of a job, with the rights that it has now.

    Raises:
        Lost: it may not call any more.
    """
    rows = await hub.database.reader.fetch(_CLIENT, {"id": job.client})
    if not rows:
        raise Lost
    key, slug, title, resource_id, role = rows[0]
    now = await epoch.current(hub.database.reader)
    await hub.search_parameters.learn(now)
    scopes = parse(job.scope) if job.scope else None
    reference = f"Organization/{resource_id}"
    return Caller(key, slug, title, reference, role, job.purpose, job.client, epoch=now, scopes=scopes)


async def request_of(hub: Hub, job: Job, path: str) -> FhirRequest:
    """Return a GET of `path` in the name of a job's client.

    Raises:
        Lost: the client may not call any more.
    """
    scope: dict[str, Any] = {"method": "GET", "path": path, "query_string": b"", "headers": []}
    return FhirRequest(hub, scope, replayed(b""), await caller_of(hub, job))
