"""Tokens with scopes, clients of every kind, and people who allow an app something."""

import base64
import hashlib
import json
import secrets
import time
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import bindparam, select

from app.access import directory
from app.access.directory import Registered
from app.access.tables import app_grant, organisation, token, token_binding
from app.access.tokens import ASSERTION_TYPE, digest
from fhir.store.tables import resource
from tests.world import ADDRESS, World

HOUR = 3_600_000_000
_ORGANISATION = select(organisation.c.key).where(organisation.c.slug == bindparam("slug"))


async def scoped(
    world: World, site: str, scope: str, *, patient: str = "", role: str = "system", user: bool = False
) -> dict[str, str]:
    """Return the headers of a token with scopes; of an app's, for a person of `role`, when `user` or a patient."""
    secret, name = secrets.token_urlsafe(16), f"client-{uuid.uuid4().hex[:8]}"
    now = world.hub.clock()
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


KEY = ECKey.generate_key("P-384", {"kid": "app", "use": "sig"})
JWKS = json.dumps({"keys": [KEY.as_dict(private=False)]})
REDIRECT = "https://app.example/callback"
SCOPES = "launch launch/patient openid fhirUser profile online_access offline_access patient/*.rs user/*.cruds"
VERIFIER = "a" * 20 + "B" * 20 + "-._~"
FHIR = f"{ADDRESS}/fhir"


async def a_client(world: World, id: str = "app", **registered: Any) -> None:
    """Register a client of hospital-a: a public app unless something else is said."""
    values = {"kind": "app", "authentication": "none", "redirects": REDIRECT, "scopes": SCOPES} | registered
    jwks = values.pop("jwks", JWKS)
    async with world.hub.database.write() as connection:
        ((site_key,),) = await connection.fetch(_ORGANISATION, {"slug": "hospital-a"})
        await directory.add_client(
            connection,
            id=id,
            title="成長曲線アプリ",
            organisation_key=site_key,
            role="system",
            jwks=jwks,
            registered=Registered(**values),
        )


def challenge(verifier: str = VERIFIER) -> str:
    """Return the S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def asked(**changes: str | None) -> dict[str, str]:
    """Return the parameters of an authorisation request; None leaves one out."""
    made = {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": REDIRECT,
        "scope": "launch/patient openid fhirUser online_access patient/*.rs",
        "state": "the-state",
        "aud": FHIR,
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def answer_of(response: httpx.Response) -> dict[str, str]:
    """Return the parameters with which a browser is sent back to the app."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == REDIRECT, response.headers["location"]
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


async def allowed(browser: Any, *, patient: str = "", decision: str = "allow", **changes: str | None) -> dict[str, str]:
    """Let the person at a browser allow what an app asks, and return the answer."""
    address = f"/oauth/authorize?{httpx.QueryParams(asked(**changes))}"
    page = await browser.http.get(address)
    assert page.status_code == 200, page.text
    csrf = page.text.split('name="csrf" value="')[1].split('"')[0]
    form = {"csrf": csrf, "decision": decision} | ({"patient": patient} if patient else {})
    return answer_of(await browser.http.post(address, data=form, headers={"sec-fetch-site": "same-origin"}))


async def redeemed(world: World, the_code: str, **changes: str | None) -> httpx.Response:
    """Redeem a code as the public app."""
    made = {
        "grant_type": "authorization_code",
        "code": the_code,
        "redirect_uri": REDIRECT,
        "client_id": "app",
        "code_verifier": VERIFIER,
        **changes,
    }
    form = {name: value for name, value in made.items() if value is not None}
    return await world.http.post("/oauth/token", data=form)


async def refreshed(world: World, token_text: str, **changes: str) -> httpx.Response:
    """Renew as the public app."""
    form = {"grant_type": "refresh_token", "refresh_token": token_text, "client_id": "app", **changes}
    return await world.http.post("/oauth/token", data=form)


def assertion(id: str, key: Any = KEY, alg: str = "ES384", **changes: Any) -> dict[str, str]:
    """Return the members of a form by which a client proves who it is."""
    claims = {
        "iss": id,
        "sub": id,
        "aud": f"{ADDRESS}/oauth/token",
        "exp": int(time.time()) + 60,
        "jti": str(uuid.uuid4()),
        **changes,
    }
    text = jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": text}


def bearer(answer: dict[str, Any]) -> dict[str, str]:
    """Return the headers of an answer's access token."""
    return {"Authorization": f"Bearer {answer['access_token']}"}
