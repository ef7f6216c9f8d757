"""Tokens with scopes, clients of every kind, and people who allow an app something."""

import secrets
import uuid

from sqlalchemy import bindparam, select

from app.access import directory
from app.access.tables import app_grant, organisation, token, token_binding
from app.access.tokens import digest
from tests.world import World

HOUR = 3_600_000_000
_ORGANISATION = select(organisation.c.key).where(organisation.c.slug == bindparam("slug"))


async def scoped(
    world: World, site: str, scope: str, *, patient: str = "", role: str = "system", user: bool = False
) -> dict[str, str]:
    """Return the headers of a token with scopes; of an app's, for a person of `role`, when `user` or a patient."""
    secret, name = secrets.token_urlsafe(16), f"client-{uuid.uuid4().hex[:8]}"
    now = world.hub.clock()
    from fhir.store.tables import resource

    async with world.hub.database.write() as connection:
        ((site_key,),) = await connection.fetch(_ORGANISATION, {"slug": site})
        key = await directory.add_client(
            connection, id=name, title=name, organisation_key=site_key, role="system", jwks='{"keys":[]}'
        )
        await connection.insert(token, [(digest(secret), key, "TREAT", scope, now + HOUR)])
        if user or patient:
            person = await directory.add_account(
                connection,
                name=name,
                title=name,
                organisation_key=site_key,
                role="doctor" if role == "system" else role,
                password="-",
                must_change=False,
            )
            keys = await connection.fetch(
                select(resource.c.patient_key).where(resource.c.id == bindparam("id")), {"id": patient}
            )
            row = (name, key, person, b"", "TREAT", scope, keys[0][0] if keys else 0, patient, "", now, now + HOUR)
            await connection.insert(app_grant, [row])
            await connection.insert(token_binding, [(digest(secret), name, "", now)])
    return {"Authorization": f"Bearer {secret}"}
