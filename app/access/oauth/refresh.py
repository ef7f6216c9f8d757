"""refresh_token: a new access token, and a new refresh token for the one that is used up.

https://www.rfc-editor.org/rfc/rfc6749#section-6, https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2
"""

from typing import Any

from app.access.oauth.code import tokens
from app.access.oauth.events import about
from app.access.oauth.grants import end, goes_on, grant_of, person_of, refresh_of, use_refresh
from app.access.oauth.token import Asking, bound_to
from app.access.scopes import OTHERS, InvalidScope, granted, parse
from app.access.tokens import TokenRefused, Told

_REFUSED = "The refresh token is unknown, was used, has expired, or its grant has ended"
_APP = frozenset({"patient", "user", "system"})


def _narrowed(asked: str, had: str) -> str:
    """Return the scopes that are asked for, all of which the grant has.

    Raises:
        TokenRefused: one goes beyond it.
    """
    if not asked:
        return had
    try:
        found, left = granted(" ".join(one for one in asked.split() if one not in OTHERS) or "openid", had, _APP)
        others = parse(had).others
    except InvalidScope as error:
        raise TokenRefused("invalid_scope", str(error)) from error
    wanted = [one for one in asked.split() if one in OTHERS]
    beyond = [one for one in wanted if one not in others]
    exact = set(found.text.split()) >= {one for one in asked.split() if one not in OTHERS}
    if beyond or not exact or (left and len(wanted) < len(asked.split())):
        raise TokenRefused("invalid_scope", "A refresh asks for no more than was granted")
    return asked


async def refresh(asking: Asking) -> dict[str, Any]:
    """Issue tokens for a refresh token, which is used up.

    Raises:
        TokenRefused: it is not good any more, or more is asked for; one that was used before ends its grant.
    """
    hub, text = asking.hub, asking.form.get("refresh_token", "")
    now, answer = hub.clock(), None
    bound_to(asking)
    async with hub.database.write() as connection:
        kept = await refresh_of(connection, text)
        grant = await grant_of(connection, kept[0]) if kept else None
        if kept is not None and grant is not None and grant.client == asking.client.key:
            person = await person_of(connection, grant)
            asking.about = about(grant, person)
            idle = hub.settings.session_minutes * 60_000_000
            if kept[1]:
                await end(connection, grant.key)
            elif kept[2] > now and await goes_on(connection, grant, now, idle):
                scope = _narrowed(asking.form.get("scope", ""), grant.scope)
                if await use_refresh(connection, text):
                    await asking.proved.settle(connection, now)
                    answer = await tokens(connection, asking, grant, person, "", now, scope)
        await hub.audit.stage(connection, [asking.tell(None if answer else _REFUSED)])
    if answer is None:
        raise Told("invalid_grant", _REFUSED)
    return answer
