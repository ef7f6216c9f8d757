"""authorization_code: the code that a person's consent made becomes tokens, once, for who can show its verifier.

RFC 6749, section 4.1.3; PKCE with S256 alone: RFC 7636; SMART's launch context.
https://hl7.org/fhir/smart-app-launch/app-launch.html#obtain-access-token
"""

import hmac
from typing import Any

from app.access.oauth.challenge import challenge_of
from app.access.oauth.events import about
from app.access.oauth.grants import Code, Grant, Person, code_of, end, grant_of, new_refresh, person_of, use_code
from app.access.oauth.id_token import id_token
from app.access.oauth.token import Asking, bound_to
from app.access.scopes import ACCESS, parse
from app.access.tokens import Issue, Told, issue
from app.db import WriteConnection

_REFUSED = "The code is unknown, was used, has expired, or is not of this request"


def _fits(code: Code, asking: Asking, now: int) -> bool:
    """Return whether the request is that of the app which asked for the code."""
    form = asking.form
    shown = challenge_of(form.get("code_verifier", ""))
    return (
        code.ends > now
        and form.get("redirect_uri", "") == code.redirect_uri
        and hmac.compare_digest(shown.encode(), code.challenge.encode())
    )


async def authorization_code(asking: Asking) -> dict[str, Any]:
    """Issue the tokens of a code.

    Raises:
        TokenRefused: the code is not good for this request; one that was used ends its grant.
    """
    hub, text = asking.hub, asking.form.get("code", "")
    now, answer = hub.clock(), None
    bound_to(asking)
    async with hub.database.write() as connection:
        code = await code_of(connection, text)
        grant = await grant_of(connection, code.grant) if code else None
        if code is not None and grant is not None and grant.client == asking.client.key:
            person = await person_of(connection, grant)
            asking.about = about(grant, person)
            if code.used:
                await end(connection, grant.key)
            elif _fits(code, asking, now) and person.may_act and await use_code(connection, text):
                await asking.proved.settle(connection, now)
                answer = await tokens(connection, asking, grant, person, code.nonce, now)
        await hub.audit.stage(connection, [asking.tell(None if answer else _REFUSED)])
    if answer is None:
        raise Told("invalid_grant", _REFUSED)
    return answer


async def tokens(
    connection: WriteConnection, asking: Asking, grant: Grant, person: Person, nonce: str, now: int, scope: str = ""
) -> dict[str, Any]:
    """Return the answer with an access token of a grant, and what belongs to its scopes."""
    hub, scopes = asking.hub, parse(scope or grant.scope)
    what = Issue(grant.client, grant.purpose, scopes.text, grant.key, bound_to(asking))
    # A token does not outlive what it is of.
    seconds = max(1, min(hub.settings.token_seconds, (grant.ends - now) // 1_000_000))
    answer: dict[str, Any] = {
        "access_token": await issue(connection, what, now=now, seconds=seconds),
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": scopes.text,
    }
    if parse(grant.scope).others & ACCESS:
        answer["refresh_token"] = await new_refresh(connection, grant)
    if "openid" in scopes.others:
        answer["id_token"] = await id_token(hub, connection, asking.client, grant, person, nonce=nonce, now=now)
    if grant.patient:
        # The app shows whose record it is: it has no frame of the hub's around it.
        answer |= {"patient": grant.patient, "need_patient_banner": True}
    if grant.encounter:
        answer["encounter"] = grant.encounter
    return answer
