"""The token endpoint: a code, a refresh token, or a system's own proof becomes a short-lived access token.

RFC 6749, section 3.2; SMART App Launch 2.2; IHE ITI-71. https://hl7.org/fhir/smart-app-launch/app-launch.html
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.access.certificate import certificate_of
from app.access.oauth.clients import Client, Proved, authenticate
from app.access.oauth.events import told
from app.access.oauth.form import NO_STORE, Form, read_form, refused, unavailable
from app.access.oauth.grants import public_client_of
from app.access.tokens import TokenRefused, Told
from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.db import DatabaseUnavailable
from app.hub import Hub

PATH = "/oauth/token"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name


@dataclass
class Asking:
    """A request for a token, whose client has proved who it is.

    Attributes:
        about: Members of the audit event, filled as they become known.
    """

    hub: Hub
    request: Request
    form: Form
    proved: Proved
    certificate: str
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> Client:
        """Who asks."""
        return self.proved.client

    def tell(self, refusal: str | None = None) -> Event:
        """Return the event."""
        about = {"client": self.client.id, "organisation": f"Organization/{self.client.organisation_id}", **self.about}
        return told(self.hub, self.request, "token", refusal=refusal, **about)


def resources(hub: Hub) -> tuple[str, ...]:
    """Return the addresses that a token may be for (RFC 8707)."""
    address = hub.settings.address
    return f"{address}/fhir", f"{address}/fhir/", f"{address}/dicomweb", address


def check_resource(hub: Hub, form: Form) -> None:
    """Refuse a token for another server.

    Raises:
        TokenRefused: `resource` or `aud` is not this hub, or another form of token is wanted.
    """
    for name in ("resource", "aud"):
        if form.get(name, resources(hub)[0]) not in resources(hub):
            raise TokenRefused("invalid_target", f"{name} is not the address of this hub's service")
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise TokenRefused("invalid_request", f"Tokens of this hub are opaque: {ACCESS_TOKEN}")


def bound_to(asking: Asking) -> str:
    """Return the client certificate that a token is bound to; empty for none (RFC 8705).

    Raises:
        TokenRefused: the client was registered with a certificate, and shows another or none.
    """
    registered = asking.client.certificate
    if registered and registered != asking.certificate:
        raise TokenRefused("invalid_client", "The client does not show the certificate that it was registered with")
    return registered


Work = Callable[[Asking], Awaitable[dict[str, Any]]]


def _grants() -> dict[str, Work]:
    from app.access.oauth.client_credentials import client_credentials
    from app.access.oauth.code import authorization_code
    from app.access.oauth.refresh import refresh

    return {
        "client_credentials": client_credentials,
        "authorization_code": authorization_code,
        "refresh_token": refresh,
    }


def grant_types() -> tuple[str, ...]:
    """Return the grants that there are."""
    return tuple(_grants())


async def _name_public_client(hub: Hub, form: Form) -> None:
    """Say which public client renews, when it says nothing of itself: its refresh token is of no other."""
    silent = "client_id" not in form and "client_assertion" not in form
    if form.get("grant_type") == "refresh_token" and silent:
        found = await public_client_of(hub.database.reader, form.get("refresh_token", ""))
        if found:
            form["client_id"] = found


async def _answer(hub: Hub, request: Request) -> Response:
    asking: Asking | None = None
    try:
        form = await read_form(request)
        work = _grants().get(form.get("grant_type", ""))
        if work is None:
            raise TokenRefused("unsupported_grant_type", f"grant_type is one of {', '.join(_grants())}")
        authorization = request.headers.get("authorization", "")
        if not authorization:
            await _name_public_client(hub, form)
        proved = await authenticate(hub, form, authorization, PATH)
        asking = Asking(hub, request, form, proved, certificate_of(request.scope))
        check_resource(hub, form)
        return JSONResponse(await work(asking), 200, NO_STORE)
    except Told as error:
        return refused(error)
    except TokenRefused as error:
        event = asking.tell(str(error)) if asking else told(hub, request, "token", refusal=str(error))
        await hub.audit.append([event])
        return refused(error)


async def token(request: Request) -> Response:
    """Answer a request for a token."""
    try:
        return await _answer(request.app.state.hub, request)
    except (DatabaseUnavailable, AuditUnavailable):
        return unavailable()
