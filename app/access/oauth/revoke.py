"""Revocation: a client gives a token of its own back; with a refresh token, or an app's token, its grant ends.

Whatever is asked about, the answer is the same. https://www.rfc-editor.org/rfc/rfc7009
"""

from sqlalchemy import bindparam, delete, select
from starlette.requests import Request
from starlette.responses import Response

from app.access import epoch
from app.access.oauth.clients import Proved, authenticate
from app.access.oauth.events import told
from app.access.oauth.form import NO_STORE, read_form, refused, unavailable
from app.access.oauth.grants import end, grant_of, refresh_of
from app.access.tables import token, token_binding
from app.access.tokens import TokenRefused, digest
from app.audit.log import AuditUnavailable
from app.consent.break_glass.end import end_of_holder
from app.db import DatabaseUnavailable, WriteConnection
from app.hub import Hub

PATH = "/oauth/revoke"

_OWNER = (
    select(token.c.client, token_binding.c.grant)
    .select_from(token)
    .outerjoin(token_binding, token_binding.c.digest == token.c.digest)
    .where(token.c.digest == bindparam("digest"))
)
_END = delete(token).where(token.c.digest == bindparam("digest"))
_END_BINDING = delete(token_binding).where(token_binding.c.digest == bindparam("digest"))


async def _revoke(connection: WriteConnection, proved: Proved, text: str, now: int) -> bool:
    """End a token that is the client's; return whether it was."""
    kept = await refresh_of(connection, text)
    if kept is not None:
        grant = await grant_of(connection, kept[0])
        if grant is None or grant.client != proved.client.key:
            return False
        await end(connection, grant.key)
        return True
    rows = await connection.fetch(_OWNER, {"digest": digest(text)})
    if not rows or rows[0][0] != proved.client.key:
        return False
    if rows[0][1]:
        await end(connection, rows[0][1])
        return True
    await connection.execute(_END_BINDING, {"digest": digest(text)})
    await connection.execute(_END, {"digest": digest(text)})
    await end_of_holder(connection, digest(text), now, proved.client.id)
    await epoch.grow(connection)
    return True


async def _answer(hub: Hub, request: Request) -> Response:
    try:
        form = await read_form(request)
        proved = await authenticate(hub, form, request.headers.get("authorization", ""), PATH)
        if "token" not in form:
            raise TokenRefused("invalid_request", "token is what is revoked")
        async with hub.database.write() as connection:
            await proved.settle(connection, hub.clock())
            done = await _revoke(connection, proved, form["token"], hub.clock())
            description = "A token was revoked" if done else "There was no such token of the client"
            event = told(hub, request, "revoke", client=proved.client.id, description=description)
            await hub.audit.stage(connection, [event])
    except TokenRefused as error:
        await hub.audit.append([told(hub, request, "revoke", refusal=str(error))])
        return refused(error)
    return Response(b"", 200, NO_STORE)


async def revoke(request: Request) -> Response:
    """Answer a request to revoke a token."""
    try:
        return await _answer(request.app.state.hub, request)
    except (DatabaseUnavailable, AuditUnavailable):
        return unavailable()
