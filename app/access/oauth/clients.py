"""Clients of the authorisation server, and how each proves who it is, in the one way that it was registered for.

private_key_jwt: RFC 7523; client_secret_basic: RFC 6749, section 2.3.1; none: a public client, which proves nothing.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import bindparam, select

from app.access.oauth.form import Form
from app.access.oauth.jwks import keys_at
from app.access.passwords import verify_password
from app.access.tables import client, organisation
from app.access.tokens import ASSERTION_TYPE, LONGEST_ASSERTION, TokenRefused, claims_of, unverified_subject, use_once
from app.db import DatabaseConnection, WriteConnection
from app.hub import Hub

_NAMED = ("key", "id", "title", "role", "jwks", "kind", "authentication", "secret", "jwks_url", "redirects", "scopes")
_FIND = (
    select(
        *(client.c[name] for name in (*_NAMED, "launch_url", "certificate", "organisation")), organisation.c.resource_id
    )
    .join(organisation, organisation.c.key == client.c.organisation)
    .where(client.c.id == bindparam("id"), client.c.disabled == 0)
)
LONGEST_SECRET = 200
"""Characters of a secret that is looked at."""


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client that is not disabled."""

    key: int
    id: str
    title: str
    role: str
    jwks: str
    kind: str
    authentication: str
    secret: str
    jwks_url: str
    redirects: str
    scopes: str
    launch_url: str
    certificate: str
    organisation: int
    organisation_id: str

    @property
    def redirect_uris(self) -> list[str]:
        """Where codes may be sent, compared character by character."""
        return self.redirects.split()


@dataclass(frozen=True, slots=True)
class Proved:
    """A client that has proved who it is.

    Attributes:
        client: The client.
        claims: Of its assertion; empty when it used none.
    """

    client: Client
    claims: Mapping[str, Any]

    async def settle(self, connection: WriteConnection, now: int) -> None:
        """Note, in the transaction that gives something out, that the assertion was used.

        Raises:
            TokenRefused: it was used before.
        """
        if self.claims:
            await use_once(connection, self.client.id, self.claims, now)


async def find_client(connection: DatabaseConnection, id: str) -> Client | None:
    """Return a client that is there and not disabled."""
    rows = await connection.fetch(_FIND, {"id": id}) if id.isprintable() else []
    return Client(*rows[0]) if rows else None


async def _known(hub: Hub, id: str, method: str) -> Client:
    found = await find_client(hub.database.reader, id)
    if found is None:
        raise TokenRefused("invalid_client", "The client is not known")
    if found.authentication != method:
        raise TokenRefused("invalid_client", f"The client proves who it is by {found.authentication}")
    return found


async def _keys(hub: Hub, found: Client, kid: str) -> KeySet:
    try:
        if found.jwks_url:
            return await keys_at(hub.settings, found.jwks_url, kid)
        return KeySet.import_key_set(json.loads(found.jwks))
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise TokenRefused("invalid_client", "The client has no key that the hub can read") from error


def _basic(header: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(header[6:], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TokenRefused("invalid_client", "The Authorization header is not Basic") from error
    name, colon, secret = text.partition(":")
    if not colon:
        raise TokenRefused("invalid_client", "The Authorization header is not Basic")
    return unquote_plus(name), unquote_plus(secret)


async def _by_secret(hub: Hub, header: str) -> Proved:
    name, secret = _basic(header)
    found = await find_client(hub.database.reader, name)
    usable = found is not None and found.authentication == "client_secret_basic"
    right = await verify_password(secret[:LONGEST_SECRET], found.secret if found is not None and usable else None)
    if found is None or not right:
        raise TokenRefused("invalid_client", "The client is not known, or its secret is wrong")
    return Proved(found, {})


async def _by_assertion(hub: Hub, form: Form, endpoint: str) -> Proved:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise TokenRefused("invalid_client", f"The assertion type is {ASSERTION_TYPE}")
    text = form.get("client_assertion", "")
    if len(text) > LONGEST_ASSERTION:
        raise TokenRefused("invalid_client", "The assertion is too long")
    found = await _known(hub, unverified_subject(text), "private_key_jwt")
    if form.get("client_id", found.id) != found.id:
        raise TokenRefused("invalid_client", "client_id is not the subject of the assertion")
    keys = await _keys(hub, found, text)
    audiences = (f"{hub.settings.address}{endpoint}", f"{hub.settings.address}/oauth/token")
    return Proved(found, claims_of(text, keys, audiences, hub.clock() / 1e6))


async def authenticate(hub: Hub, form: Form, authorization: str, endpoint: str, *, public: bool = True) -> Proved:
    """Return the client that a request comes from.

    Args:
        hub: The running hub.
        form: The request's form.
        authorization: Its Authorization header.
        endpoint: The path that was asked, which an assertion may be for.
        public: Whether a client that proves nothing may ask here.

    Raises:
        TokenRefused: it is not known, or does not prove who it is in its own way, or in two ways.
    """
    basic = authorization[:6].lower() == "basic "
    asserted = "client_assertion" in form or "client_assertion_type" in form
    if basic and (asserted or "client_secret" in form):
        raise TokenRefused("invalid_request", "A client proves who it is in one way")
    if basic:
        proved = await _by_secret(hub, authorization)
        if form.get("client_id", proved.client.id) != proved.client.id:
            raise TokenRefused("invalid_client", "client_id is not that of the Authorization header")
        return proved
    if not asserted and public and form.get("client_id"):
        return Proved(await _known(hub, form["client_id"], "none"), {})
    return await _by_assertion(hub, form, endpoint)
