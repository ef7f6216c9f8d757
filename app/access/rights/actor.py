"""In whose name the command line acts on rights: an account that is active, under the same rules as in the portal."""

from sqlalchemy import bindparam, select

from app.access.caller import Caller
from app.access.directory import Unknown
from app.access.rights.listed import right
from app.access.sessions import PURPOSES
from app.access.tables import organisation
from app.hub import Hub

_ORGANISATION = select(organisation.c.slug, organisation.c.title, organisation.c.resource_id).where(
    organisation.c.key == bindparam("key")
)


async def actor(hub: Hub, name: str) -> Caller:
    """Return the person in whose name a command acts; the audit record says that it was the command line.

    Raises:
        Unknown: there is no such account, or nobody signs in to it.
    """
    now = hub.clock()
    found = await right(hub.database.reader, name, now)
    if found.state(now) != "active":
        raise Unknown(f"Nobody signs in to {name}")
    slug, title, resource_id = (await hub.database.reader.fetch(_ORGANISATION, {"key": found.organisation}))[0]
    return Caller(
        *(found.organisation, slug, title, f"Organization/{resource_id}", found.role, PURPOSES[found.role], "renkei"),
        *(found.account, found.name, found.title),
        head=found.head,
    )
