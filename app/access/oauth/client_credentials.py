"""client_credentials: a system's own token. SMART Backend Services; IHE ITI-71.

https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

from typing import Any

from app.access.oauth.token import Asking, bound_to
from app.access.scopes import InvalidScope, Scopes, granted
from app.access.tokens import Issue, TokenRefused, issue, purpose_of

SYSTEM = frozenset({"system"})


def scopes_of(asking: Asking) -> Scopes:
    """Return the scopes of a system's token.

    Raises:
        TokenRefused: none that was asked for is granted.
    """
    try:
        scopes, left = granted(asking.form.get("scope", ""), asking.client.scopes, SYSTEM)
    except InvalidScope as error:
        raise TokenRefused("invalid_scope", str(error)) from error
    if not scopes.resources:
        raise TokenRefused("invalid_scope", "; ".join(left)[:500] or "The client may have no scope as a system")
    return scopes


async def client_credentials(asking: Asking) -> dict[str, Any]:
    """Issue a token to a system that has proved who it is; the record of it is in the same transaction.

    Raises:
        TokenRefused: a public client, scopes or a purpose that are not granted, or an assertion that was used before.
    """
    hub, client = asking.hub, asking.client
    if client.authentication == "none":
        raise TokenRefused("unauthorized_client", "A public client acts for a person alone")
    if client.kind == "app":
        raise TokenRefused("unauthorized_client", "An app acts for a person alone")
    scopes = scopes_of(asking)
    purpose = purpose_of(asking.proved.claims, asking.form.get("purpose_of_use", ""), "TREAT")
    asking.about["purpose"] = purpose
    if purpose == "BTG":
        from app.access.oauth.break_glass import token_in_emergency

        return await token_in_emergency(asking)
    if "patient" in asking.form:
        from app.access.oauth.of_patient import token_of_patient

        return await token_of_patient(asking, scopes, purpose)
    what = Issue(client.key, purpose, scopes.text, certificate=bound_to(asking))
    now, seconds = hub.clock(), hub.settings.token_seconds
    async with hub.database.write() as connection:
        await asking.proved.settle(connection, now)
        text = await issue(connection, what, now=now, seconds=seconds)
        await hub.audit.stage(connection, [asking.tell()])
    return {"access_token": text, "token_type": "Bearer", "expires_in": seconds, "scope": scopes.text}
