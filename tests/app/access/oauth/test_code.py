"""Codes and refresh tokens: good once, for who asked for them; a copy ends everything that came of them."""

import asyncio
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import update

from app.access import epoch
from app.access.oauth.keys import make_key
from app.access.tables import account, authorization_code
from tests.oauth import REDIRECT, VERIFIER, a_client, allowed, assertion, bearer, redeemed, refreshed
from tests.portal import recorded, signed_in
from tests.world import ADDRESS, World, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def a_code(world: World, **changes: str | None) -> tuple[Any, str, str]:
    """Return a browser, a patient and a code that the person at it gave the app for the patient."""
    await a_client(world)
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]
    browser = await signed_in(world, "hospital-a")
    return browser, patient, (await allowed(browser, patient=patient, **changes))["code"]


async def test_a_code_becomes_tokens_and_the_launch_context(world: World) -> None:
    _, patient, code = await a_code(
        world, nonce="n-1", scope="launch/patient openid profile online_access patient/*.rs"
    )
    await world.post(await world.client("hospital-a"), an_observation(patient))

    response = await redeemed(world, code)
    answer = response.json()
    keys = KeySet.import_key_set((await world.http.get("/oauth/jwks")).json())
    claims = jwt.decode(answer["id_token"], keys, algorithms=["ES256"]).claims
    found = await world.http.get("/fhir/Observation", headers=bearer(answer))

    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    assert (answer["token_type"], answer["expires_in"], answer["patient"]) == ("Bearer", 300, patient)
    assert answer["need_patient_banner"] is True
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ADDRESS, "app", "n-1")
    assert claims["preferred_username"] == "doctor-hospital-a"
    assert claims["exp"] > time.time()
    assert found.json()["total"] == 1
    events = [one for one in await recorded(world) if one.interaction == "token"]
    assert (events[-1].client, events[-1].user, events[-1].patient) == (
        "app",
        "doctor-hospital-a",
        f"Patient/{patient}",
    )


async def test_an_access_through_an_app_is_the_persons(world: World) -> None:
    _, patient, code = await a_code(world)
    answer = (await redeemed(world, code)).json()

    await world.http.get(f"/fhir/Patient/{patient}", headers=bearer(answer))

    event = [one for one in await recorded(world) if one.interaction == "read"][-1]
    assert (event.user, event.client, event.role) == ("doctor-hospital-a", "app", "doctor")


WRONG: dict[str, dict[str, str | None]] = {
    "E4 no verifier": {"code_verifier": None},
    "E4 another verifier": {"code_verifier": "b" * 43},
    "E4 the challenge as the verifier": {"code_verifier": VERIFIER[:-1] + "x"},
    "E5 another redirect_uri": {"redirect_uri": f"{REDIRECT}x"},
    "E5 no redirect_uri": {"redirect_uri": None},
    "an unknown code": {"code": "x" * 43},
    "no code": {"code": None},
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_code_is_for_who_asked_for_it(world: World, name: str) -> None:
    _, _, code = await a_code(world)

    response = await redeemed(world, code, **WRONG[name])

    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert (await redeemed(world, code)).status_code == 200


async def test_e5_another_client_cannot_redeem_it(world: World) -> None:
    _, _, code = await a_code(world)
    await a_client(world, "other")

    assert (await redeemed(world, code, client_id="other")).json()["error"] == "invalid_grant"
    assert (await redeemed(world, code, client_id="nobody")).json()["error"] == "invalid_client"


async def test_e5_a_code_that_comes_twice_ends_what_it_gave(world: World) -> None:
    _, _, code = await a_code(world)
    answer = (await redeemed(world, code)).json()
    assert (await world.http.get("/fhir/Patient", headers=bearer(answer))).status_code == 200

    again = await redeemed(world, code)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await world.http.get("/fhir/Patient", headers=bearer(answer))).status_code == 401
    assert (await refreshed(world, answer["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_code_expires(world: World) -> None:
    _, _, code = await a_code(world)
    async with world.hub.database.write() as connection:
        await connection.execute(update(authorization_code).values(ends=world.hub.clock() - 1), {})

    assert (await redeemed(world, code)).json()["error"] == "invalid_grant"


async def test_a_code_used_twice_at_once_gives_one_token(world: World) -> None:
    _, _, code = await a_code(world)

    answers = await asyncio.gather(*(redeemed(world, code) for _ in range(4)))

    assert sorted(one.status_code for one in answers) == [200, 400, 400, 400]


async def test_a_refresh_token_is_rotated_and_a_copy_ends_the_grant(world: World) -> None:
    _, _, code = await a_code(world)
    first = (await redeemed(world, code)).json()

    second = (await refreshed(world, first["refresh_token"])).json()
    copied = await refreshed(world, first["refresh_token"])
    third = await refreshed(world, second["refresh_token"])

    assert second["refresh_token"] != first["refresh_token"]
    assert second["patient"] == first["patient"]
    assert (copied.status_code, copied.json()["error"]) == (400, "invalid_grant")
    assert third.json()["error"] == "invalid_grant"
    assert (await world.http.get("/fhir/Patient", headers=bearer(second))).status_code == 401


async def test_a_public_client_need_not_name_itself_to_renew(world: World) -> None:
    _, _, code = await a_code(world)
    first = (await redeemed(world, code)).json()

    renewed = await refreshed(world, first["refresh_token"], client_id="")
    unknown = await refreshed(world, "unknown", client_id="")

    assert renewed.status_code == 200, renewed.text
    assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_client")


async def test_a_refresh_token_used_twice_at_once_gives_one_token(world: World) -> None:
    _, _, code = await a_code(world)
    first = (await redeemed(world, code)).json()

    answers = await asyncio.gather(*(refreshed(world, first["refresh_token"]) for _ in range(4)))

    assert sorted(one.status_code for one in answers) == [200, 400, 400, 400]


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("patient/Observation.rs", 200),
        ("openid patient/*.rs", 200),
        ("patient/*.cruds", 400),
        ("user/*.rs", 400),
        ("offline_access patient/*.rs", 400),
        ("nonsense", 400),
    ],
)
async def test_e6_a_refresh_asks_for_no_more(world: World, scope: str, status: int) -> None:
    _, patient, code = await a_code(world)
    first = (await redeemed(world, code)).json()

    response = await refreshed(world, first["refresh_token"], scope=scope)

    assert response.status_code == status, response.text
    if status == 400:
        assert response.json()["error"] == "invalid_scope"
        assert (await refreshed(world, first["refresh_token"])).status_code == 200
    elif "Observation" in scope:
        answer = await world.http.get(f"/fhir/Patient/{patient}", headers=bearer(response.json()))
        assert answer.status_code == 403


async def test_without_access_scopes_there_is_nothing_to_renew_with(world: World) -> None:
    _, _, code = await a_code(world, scope="launch/patient patient/*.rs")

    assert "refresh_token" not in (await redeemed(world, code)).json()


async def test_signing_out_everywhere_ends_what_apps_have(world: World) -> None:
    browser, _, code = await a_code(world, scope="launch/patient offline_access patient/*.rs")
    answer = (await redeemed(world, code)).json()
    assert (await world.http.get("/fhir/Patient", headers=bearer(answer))).status_code == 200

    await browser.post("/sign-out", {"everywhere": "1"})

    assert (await world.http.get("/fhir/Patient", headers=bearer(answer))).status_code == 401
    assert (await refreshed(world, answer["refresh_token"])).status_code == 400


@pytest.mark.parametrize(("access", "status"), [("online_access", 400), ("offline_access", 200)])
async def test_signing_out_ends_what_was_for_the_session(world: World, access: str, status: int) -> None:
    browser, _, code = await a_code(world, scope=f"launch/patient {access} patient/*.rs")
    answer = (await redeemed(world, code)).json()

    await browser.post("/sign-out", {})

    assert (await refreshed(world, answer["refresh_token"])).status_code == status


async def test_a_disabled_account_ends_its_tokens_at_the_next_request(world: World) -> None:
    _, _, code = await a_code(world)
    answer = (await redeemed(world, code)).json()
    assert (await world.http.get("/fhir/Patient", headers=bearer(answer))).status_code == 200

    async with world.hub.database.write() as connection:
        await connection.execute(update(account).values(disabled=1), {})
        await epoch.grow(connection)

    assert (await world.http.get("/fhir/Patient", headers=bearer(answer))).status_code == 401
    assert (await refreshed(world, answer["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_confidential_app_proves_who_it_is(world: World) -> None:
    await a_client(world, authentication="private_key_jwt")
    browser = await signed_in(world, "hospital-a")
    scope = "user/Patient.rs online_access"
    code = (await allowed(browser, scope=scope))["code"]

    refused = await redeemed(world, code)
    proof = assertion("app")
    response = await redeemed(world, code, **proof)
    replayed = await refreshed(world, response.json()["refresh_token"], **proof)

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert response.status_code == 200, response.text
    assert replayed.json()["error_description"] == "The assertion was used before"


async def test_e8_e9_the_token_is_of_its_patient_alone(world: World) -> None:
    _, patient, code = await a_code(world)
    other = (await world.post(await world.client("hospital-a"), a_patient()))["id"]
    answer = (await redeemed(world, code)).json()

    assert (await world.http.get(f"/fhir/Patient/{patient}", headers=bearer(answer))).status_code == 200
    assert (await world.http.get(f"/fhir/Patient/{other}", headers=bearer(answer))).status_code == 404


async def test_identity_keys_rotate(world: World) -> None:
    _, _, code = await a_code(world)
    answer = (await redeemed(world, code)).json()
    before = (await world.http.get("/oauth/jwks")).json()["keys"]

    kid = make_key(world.hub.settings)

    after = (await world.http.get("/oauth/jwks")).json()["keys"]
    assert [one["kid"] for one in after] == [before[0]["kid"], kid]
    assert not any("d" in one for one in after)
    assert jwt.decode(answer["id_token"], KeySet.import_key_set({"keys": after}), algorithms=["ES256"]).claims["sub"]


async def test_fhir_user_is_the_practitioner_of_the_persons_own_site(world: World) -> None:
    await a_client(world)
    identifier = [{"system": "http://renkei.example/fhir/NamingSystem/account", "value": "doctor-hospital-a"}]
    foreign = {"resourceType": "Practitioner", "identifier": identifier}
    await world.post(await world.client("hospital-b"), foreign)
    own = await world.post(await world.client("hospital-a"), foreign)
    browser = await signed_in(world, "hospital-a")
    code = (await allowed(browser, scope="openid fhirUser user/Patient.rs"))["code"]

    answer = (await redeemed(world, code)).json()
    keys = KeySet.import_key_set((await world.http.get("/oauth/jwks")).json())

    claims = jwt.decode(answer["id_token"], keys, algorithms=["ES256"]).claims
    assert claims["fhirUser"] == f"{ADDRESS}/fhir/Practitioner/{own['id']}"
    assert "fhirUser" in answer["scope"].split()


async def test_fhir_user_is_not_granted_to_who_is_no_practitioner(world: World) -> None:
    await a_client(world)
    browser = await signed_in(world, "hospital-a")
    code = (await allowed(browser, scope="openid fhirUser user/Patient.rs"))["code"]

    assert (await redeemed(world, code)).json()["scope"] == "openid user/Patient.rs"
