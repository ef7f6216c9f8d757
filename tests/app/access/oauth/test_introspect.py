"""Introspection and revocation: told to whom it concerns, and of what is not theirs or not there nothing at all."""

from typing import Any

import httpx
import pytest
from sqlalchemy import update

from app.access import epoch
from app.access.passwords import hash_password
from app.access.tables import client
from tests.oauth import a_client, allowed, assertion, bearer, redeemed, refreshed, scoped
from tests.portal import recorded, signed_in
from tests.world import ADDRESS, World, a_patient

pytestmark = pytest.mark.anyio

SECRET = "the-secret-of-the-resource-server"


async def a_server(world: World, id: str = "gateway", **registered: Any) -> tuple[str, str]:
    """Register a resource server with a secret, and return its credentials."""
    values = {
        "kind": "resource-server",
        "authentication": "client_secret_basic",
        "redirects": "",
        "scopes": "ITI-67",
        "secret": await hash_password(SECRET),
        **registered,
    }
    await a_client(world, id, **values)
    return id, SECRET


async def an_app_token(world: World) -> dict[str, Any]:
    await a_client(world)
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]
    browser = await signed_in(world, "hospital-a")
    return dict((await redeemed(world, (await allowed(browser, patient=patient))["code"])).json())


async def introspected(world: World, token: str, auth: Any = None, **headers: str) -> httpx.Response:
    return await world.http.post("/oauth/introspect", data={"token": token}, auth=auth, headers=headers)


async def test_a_resource_server_learns_who_acts_and_why(world: World) -> None:
    answer = await an_app_token(world)
    server = await a_server(world)

    response = await introspected(world, answer["access_token"], server)
    told = response.json()

    assert response.headers["cache-control"] == "no-store"
    assert (told["active"], told["client_id"], told["username"]) == (True, "app", "doctor-hospital-a")
    assert (told["scope"], told["patient"], told["iss"]) == (answer["scope"], answer["patient"], ADDRESS)
    iua = told["extensions"]["ihe_iua"]
    assert iua["subject_organization_id"] == "Organization/hospital-a"
    assert iua["purpose_of_use"][0]["code"] == "TREAT"
    assert iua["subject_role"][0]["code"] == "doctor"
    event = [one for one in await recorded(world) if one.interaction == "introspect"][-1]
    assert (event.client, event.outcome) == ("gateway", "0")


@pytest.mark.parametrize("what", ["unknown", "refresh", "expired", "revoked", "of a disabled client"])
async def test_what_is_good_for_nothing_is_exactly_inactive(world: World, what: str) -> None:
    answer = await an_app_token(world)
    server = await a_server(world)
    token = answer["access_token"]
    if what == "unknown":
        token = "unknown"
    elif what == "refresh":
        token = answer["refresh_token"]
    elif what == "expired":
        now = world.hub.clock
        world.hub.callers._clock = lambda: now() + 301_000_000
    elif what == "revoked":
        await world.http.post("/oauth/revoke", data={"token": token, "client_id": "app"})
    else:
        async with world.hub.database.write() as connection:
            await connection.execute(update(client).where(client.c.id == "app").values(disabled=1), {})
            await epoch.grow(connection)

    response = await introspected(world, token, server)

    assert (response.status_code, response.json()) == (200, {"active": False})


async def test_a_client_learns_of_its_own_tokens_alone(world: World) -> None:
    answer = await an_app_token(world)
    own = await scoped(world, "hospital-b", "system/*.rs")

    foreign = await introspected(world, answer["access_token"], **own)
    mine = await introspected(world, own["Authorization"][7:], **own)

    assert foreign.json() == {"active": False}
    assert (mine.json()["active"], mine.json()["scope"]) == (True, "system/*.rs")


@pytest.mark.parametrize("how", ["nobody", "a wrong secret", "an unknown token", "a person's token", "a public client"])
async def test_nobody_asks_who_does_not_prove_who_it_is(world: World, how: str) -> None:
    answer = await an_app_token(world)
    await a_server(world)
    auth, headers, form = None, {}, {"token": answer["access_token"]}
    if how == "a wrong secret":
        auth = ("gateway", "wrong")
    elif how == "an unknown token":
        headers = {"authorization": "Bearer unknown"}
    elif how == "a person's token":
        headers = bearer(answer)
    elif how == "a public client":
        form["client_id"] = "app"

    response = await world.http.post("/oauth/introspect", data=form, auth=auth, headers=headers)

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert "active" not in response.json()


async def test_a_revoked_token_ends_with_its_grant(world: World) -> None:
    answer = await an_app_token(world)
    assert (await world.http.get("/fhir/Patient", headers=bearer(answer))).status_code == 200

    response = await world.http.post("/oauth/revoke", data={"token": answer["refresh_token"], "client_id": "app"})

    assert (response.status_code, response.content) == (200, b"")
    assert (await world.http.get("/fhir/Patient", headers=bearer(answer))).status_code == 401
    assert (await refreshed(world, answer["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_token_of_another_client_is_not_revoked_and_nobody_can_tell(world: World) -> None:
    answer = await an_app_token(world)
    await a_client(world, "other")

    foreign = await world.http.post("/oauth/revoke", data={"token": answer["access_token"], "client_id": "other"})
    unknown = await world.http.post("/oauth/revoke", data={"token": "unknown", "client_id": "other"})

    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content) == (200, b"")
    assert (await world.http.get("/fhir/Patient", headers=bearer(answer))).status_code == 200


async def test_a_system_gives_its_own_token_back(world: World) -> None:
    await a_client(world, "ehr", kind="system", authentication="private_key_jwt", redirects="", scopes="system/*.rs")
    form = {"grant_type": "client_credentials", **assertion("ehr")}
    answer = (await world.http.post("/oauth/token", data=form)).json()
    assert (await world.http.get("/fhir/Patient", headers=bearer(answer))).status_code == 200

    await world.http.post("/oauth/revoke", data={"token": answer["access_token"], **assertion("ehr")})

    assert (await world.http.get("/fhir/Patient", headers=bearer(answer))).status_code == 401
