"""What the documents of the authorisation server say is there: each address answers, each grant and method is known."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from app.access.oauth.metadata import SMART
from tests.world import ADDRESS, World

pytestmark = pytest.mark.anyio

DOCUMENTS = (
    "/.well-known/smart-configuration",
    "/fhir/.well-known/smart-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
)


async def document(world: World, path: str) -> dict[str, Any]:
    response = await world.http.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    return dict(response.json())


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_every_address_that_is_named_is_there(world: World, path: str) -> None:
    found = await document(world, path)

    assert found["issuer"] == ADDRESS
    for name, address in found.items():
        if name.endswith(("_endpoint", "_uri")):
            method = "GET" if name in ("authorization_endpoint", "jwks_uri") else "POST"
            response = await world.http.request(method, urlsplit(address).path)
            assert response.status_code in (200, 303, 400, 401), name


async def test_every_grant_that_is_named_is_known(world: World) -> None:
    found = await document(world, DOCUMENTS[0])

    for grant in found["grant_types_supported"]:
        response = await world.http.post("/oauth/token", data={"grant_type": grant})
        assert response.json()["error"] == "invalid_client", grant
    assert (await world.http.post("/oauth/token", data={"grant_type": "password"})).json()["error"] == (
        "unsupported_grant_type"
    )
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert set(found["capabilities"]) == set(SMART)


async def test_iti_103_names_what_the_profile_asks_for(world: World) -> None:
    found = await document(world, DOCUMENTS[2])

    assert {
        *("issuer", "token_endpoint", "authorization_endpoint", "jwks_uri", "introspection_endpoint"),
        *("scopes_supported", "response_types_supported", "grant_types_supported", "access_token_format"),
        "introspection_endpoint_auth_methods_supported",
    } <= set(found)
    assert found["response_types_supported"] == ["code"]
    assert {"ITI-65", "ITI-66", "ITI-67", "ITI-68"} <= set(found["scopes_supported"])


async def test_a_page_of_another_site_may_ask_and_read_but_not_with_cookies(world: World) -> None:
    origin = {"origin": "https://app.example"}
    asks = {**origin, "access-control-request-method": "GET", "access-control-request-headers": "authorization"}

    preflight = await world.http.options("/fhir/Patient", headers=asks)
    answer = await world.http.get("/fhir/metadata", headers=origin)
    page = await world.http.get("/", headers=origin)
    plain = await world.http.get("/fhir/metadata")

    assert preflight.status_code == 204
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in page.headers
    assert "access-control-allow-origin" not in plain.headers
