"""Tokens bound to a client certificate (RFC 8705), of which a trusted proxy tells, and nobody else."""

import base64
import datetime as dt
import hashlib
from urllib.parse import quote

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.oauth import a_client, assertion, bearer
from tests.world import ADDRESS, World

pytestmark = pytest.mark.anyio


def a_certificate(name: str) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, begins, begins + dt.timedelta(days=3650))
    ).sign(key, SHA256())


OWN, OTHER = a_certificate("ehr"), a_certificate("other")


def thumbprint(one: x509.Certificate) -> str:
    digest = hashlib.sha256(one.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def pem(one: x509.Certificate) -> dict[str, str]:
    return {"x-renkei-client-certificate": quote(one.public_bytes(Encoding.PEM).decode())}


def behind(world: World, trusted: str) -> httpx.AsyncClient:
    """Return a client whose requests come from 10.9.8.7, where proxies of `trusted` are believed."""
    world.app.trusted_proxies = trusted
    vars(world.app).pop("behind", None)
    return httpx.AsyncClient(transport=httpx.ASGITransport(world.app, client=("10.9.8.7", 1)), base_url=ADDRESS)


async def a_bound_client(world: World) -> None:
    registered = {"kind": "system", "authentication": "private_key_jwt", "redirects": "", "scopes": "system/*.rs"}
    await a_client(world, "ehr", **registered, certificate=thumbprint(OWN))


async def ask(proxy: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
    form = {"grant_type": "client_credentials", **assertion("ehr")}
    return await proxy.post("/oauth/token", data=form, headers=headers)


async def test_e8_a_bound_token_is_good_with_its_certificate_alone(world: World) -> None:
    await a_bound_client(world)
    proxy = behind(world, "127.0.0.1, 10.9.0.0/16")
    answer = (await ask(proxy, pem(OWN))).json()

    statuses = [
        (await proxy.get("/fhir/Patient", headers=bearer(answer) | headers)).status_code
        for headers in (pem(OWN), pem(OTHER), {}, pem(OWN))
    ]
    introspected = await proxy.post(
        "/oauth/introspect", data={"token": answer["access_token"]}, headers=bearer(answer) | pem(OWN)
    )

    assert statuses == [200, 401, 401, 200]
    assert introspected.json()["cnf"] == {"x5t#S256": thumbprint(OWN)}


@pytest.mark.parametrize(
    "headers", [pem(OTHER), {}, {"x-renkei-client-certificate": "x"}, {"client-cert": ":x:"}], ids=range(4)
)
async def test_e8_no_token_is_given_to_another_certificate(world: World, headers: dict[str, str]) -> None:
    await a_bound_client(world)

    response = await ask(behind(world, "10.9.8.7"), headers)

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("trusted", ["127.0.0.1,::1", "10.9.8.8", ""])
async def test_e8_nobody_says_of_itself_which_certificate_it_has(world: World, trusted: str) -> None:
    await a_bound_client(world)

    response = await ask(behind(world, trusted), pem(OWN))

    assert response.status_code == 401
