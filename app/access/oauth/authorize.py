"""The authorisation request: what an app asks of a person, checked before anybody is asked anything.

RFC 6749, section 4.1; PKCE (RFC 7636) and `state` are demanded; `iss` is in each answer (RFC 9207); `aud` or `resource`
(RFC 8707) names this hub. https://hl7.org/fhir/smart-app-launch/app-launch.html#request-4
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from app.access.caller import Caller
from app.access.oauth.challenge import CHALLENGE
from app.access.oauth.clients import Client, find_client
from app.access.oauth.form import Form, once
from app.access.oauth.grants import Grant, allow
from app.access.oauth.id_token import fhir_user
from app.access.oauth.launch import Launch, launch_of, use
from app.access.oauth.token import check_resource
from app.access.scopes import InvalidScope, Scopes, granted, parse
from app.access.tokens import TokenRefused, digest
from app.db import WriteConnection
from app.hub import Hub
from fhir.errors import InvalidValue
from fhir.store.stored import Stored

PERSON = frozenset({"patient", "user"})
LONGEST_STATE = 1_000


class AuthorizationRefused(Exception):
    """The app is told why, at its own address."""

    def __init__(self, error: str, description: str, redirect_uri: str, state: str) -> None:
        super().__init__(description)
        self.error = error
        self.redirect_uri = redirect_uri
        self.state = state

    def address(self, hub: Hub) -> str:
        """Return where the person's browser is sent."""
        return answered(hub, self.redirect_uri, error=self.error, error_description=str(self), **_state(self.state))


@dataclass(frozen=True, slots=True)
class Asked:
    """What an app asks of a person.

    Attributes:
        launch_text: The `launch` value; empty for a standalone launch.
        launch: What it stands for.
    """

    client: Client
    redirect_uri: str
    scopes: Scopes
    state: str
    challenge: str
    nonce: str
    launch_text: str
    launch: Launch | None

    def refuse(self, error: str, description: str) -> AuthorizationRefused:
        """Return the refusal of this request."""
        return AuthorizationRefused(error, description, self.redirect_uri, self.state)

    @property
    def needs_choice(self) -> bool:
        """Whether the person must say whose record it is about."""
        return self.scopes.needs_patient and not (self.launch and self.launch.patient)


def _state(state: str) -> dict[str, str]:
    return {"state": state} if state else {}


def answered(hub: Hub, redirect_uri: str, **parameters: str) -> str:
    """Return a redirect address with the parameters of an answer."""
    mark = "&" if urlsplit(redirect_uri).query else "?"
    return f"{redirect_uri}{mark}{urlencode({**parameters, 'iss': hub.settings.address})}"


async def _addressed(hub: Hub, form: Mapping[str, str]) -> tuple[Client, str]:
    """Return the app and where it is answered.

    Raises:
        InvalidValue: one of the two is not known: the browser is sent nowhere.
    """
    client = await find_client(hub.database.reader, form.get("client_id", ""))
    if client is None or client.kind != "app":
        raise InvalidValue("The app is not known here", "client_id")
    known, stated = client.redirect_uris, form.get("redirect_uri", "")
    if stated not in known:
        raise InvalidValue("The app has not registered this redirect_uri", "redirect_uri")
    return client, stated


def _wrong(form: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the error and the reason of a request that cannot be answered with a code; None when it can."""
    if form.get("response_type") != "code":
        return "unsupported_response_type", "response_type is code"
    if not 0 < len(form.get("state", "")) <= LONGEST_STATE:
        return "invalid_request", "state is there, and not too long"
    if form.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(form.get("code_challenge", "")):
        return "invalid_request", "code_challenge is there, by code_challenge_method S256"
    if "aud" not in form and "resource" not in form:
        return "invalid_request", "aud is the address of this hub's FHIR service"
    if form.get("prompt") == "none":
        return "consent_required", "A person is asked each time"
    return None


def _scopes(hub: Hub, form: Form, client: Client) -> Scopes:
    """Return the scopes that may be granted.

    Raises:
        TokenRefused: there is none, or they are for another server.
    """
    check_resource(hub, form)
    try:
        scopes, left = granted(form.get("scope", ""), client.scopes, PERSON)
    except InvalidScope as error:
        raise TokenRefused("invalid_scope", str(error)) from error
    if not scopes.text:
        raise TokenRefused("invalid_scope", "; ".join(left)[:500] or "The app may have no scope")
    return scopes


async def asked_of(hub: Hub, pairs: list[tuple[str, str]]) -> Asked:
    """Return what an authorisation request asks.

    Raises:
        InvalidValue: app or redirect address are not known; the person is told.
        AuthorizationRefused: something else is wrong; the app is told.
    """
    try:
        form = once(pairs)
    except TokenRefused as error:
        raise InvalidValue(str(error)) from error
    client, redirect_uri = await _addressed(hub, form)
    state = form.get("state", "")[:LONGEST_STATE]
    if wrong := _wrong(form):
        raise AuthorizationRefused(*wrong, redirect_uri, state)
    try:
        scopes = _scopes(hub, form, client)
    except TokenRefused as error:
        raise AuthorizationRefused(error.error, str(error), redirect_uri, state) from error
    text = form.get("launch", "")
    launch = await launch_of(hub.database.reader, text, hub.clock()) if text else None
    if text and launch is None:
        reason = "The launch is unknown, was used, or has expired"
        raise AuthorizationRefused("invalid_request", reason, redirect_uri, state)
    nonce = form.get("nonce", "")[:LONGEST_STATE]
    return Asked(client, redirect_uri, scopes, state, form["code_challenge"], nonce, text, launch)


def check_person(asked: Asked, caller: Caller) -> None:
    """Refuse a launch that was begun for somebody else.

    Raises:
        AuthorizationRefused: it was: for another site, person or app.
    """
    launch = asked.launch
    if launch is not None and (
        launch.organisation != caller.organisation
        or launch.account not in (0, caller.account)
        or launch.client not in (0, asked.client.key)
    ):
        raise asked.refuse("access_denied", "The launch was begun for somebody else")


def _scope(asked: Asked, patient: Stored | None, fhir_user: str) -> str:
    """Return the scopes of a grant, without contexts that it does not have."""
    left_out = set() if patient else {"launch/patient"}
    if not fhir_user:
        left_out.add("fhirUser")
    if not (asked.launch and asked.launch.encounter):
        left_out.add("launch/encounter")
    return parse(" ".join(one for one in asked.scopes.text.split() if one not in left_out)).text


async def grant(
    hub: Hub, connection: WriteConnection, asked: Asked, caller: Caller, secret: str, patient: Stored | None
) -> str | None:
    """Keep what a person has allowed, and return the code; None when the launch was used in the meantime.

    Args:
        hub: The running hub.
        connection: A write transaction.
        asked: What was allowed.
        caller: The person.
        secret: The session's cookie.
        patient: The Patient that it is about.
    """
    if asked.launch_text and not await use(connection, asked.launch_text):
        return None
    now = hub.clock()
    known = await fhir_user(hub, connection, caller.user, caller.organisation)
    stays = "offline_access" in asked.scopes.others
    made = Grant(
        key=secrets.token_hex(16),
        client=asked.client.key,
        account=caller.account,
        session=b"" if stays else digest(secret),
        purpose=caller.purpose,
        scope=_scope(asked, patient, known),
        patient_key=patient.patient_key if patient else 0,
        patient=patient.id if patient else "",
        encounter=asked.launch.encounter if asked.launch else "",
        begun=now,
        ends=now + hub.settings.app_hours * 3_600_000_000 if stays else caller.ends,
    )
    return await allow(connection, made, redirect_uri=asked.redirect_uri, challenge=asked.challenge, nonce=asked.nonce)
