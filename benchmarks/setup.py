"""A fresh hub to measure: migrated, with a hospital that pushes and a clinic that reads."""

import time
import uuid
from collections.abc import Mapping

import httpx
import orjson
from joserfc import jwt
from joserfc.jwk import ECKey

from app.access.enrol import client_key_path, enrol_client, enrol_organisation
from app.access.tokens import ASSERTION_TYPE
from app.db.migrate import upgrade
from app.lifecycle import open_hub
from app.settings import Settings

HOSPITAL, CLINIC = "hospital", "clinic"


def environment(settings: Settings) -> Mapping[str, str]:
    """Return the variables by which a server process reads these settings."""
    named = ("home", "database", "address", "port", "token_seconds")
    chosen = {f"RENKEI_{name.upper()}": str(getattr(settings, name)) for name in named}
    # One caller asks as fast as it can: it is counted, and never told to wait.
    limits = ("REQUESTS_PER_SECOND", "PERSON_SEARCHES_PER_MINUTE", "SIGN_INS_PER_MINUTE", "PERSONS_PER_HOUR")
    return chosen | {f"RENKEI_{name}": "100000000" for name in limits}


async def make(settings: Settings) -> None:
    """Migrate the database and add the two sites, each with a system of its own."""
    hub = await open_hub(settings)
    hub.audit.start()
    try:
        for slug in (HOSPITAL, CLINIC):
            await enrol_organisation(hub, slug=slug, title=slug, kind=slug, number="")
            await enrol_client(hub, id=slug, title=slug, organisation=slug, role="system", jwks=None)
    finally:
        await hub.close()


def migrate(settings: Settings) -> None:
    """Bring an empty database to this release."""
    upgrade(settings)


def token(settings: Settings, client: str) -> str:
    """Return a bearer token from the running hub for a client whose key is on this machine."""
    key = ECKey.import_key(orjson.loads(client_key_path(settings, client).read_bytes()))
    audience = f"{settings.address}/oauth/token"
    ends = int(time.time()) + 60
    claims = {"iss": client, "sub": client, "aud": audience, "exp": ends, "jti": str(uuid.uuid4())}
    assertion = jwt.encode({"alg": "ES384", "kid": key.kid}, claims, key, algorithms=["ES384"])
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    answer = httpx.post(audience, data=form, timeout=30).raise_for_status()
    return str(answer.json()["access_token"])
