"""A system's own token: by its key or its secret, for scopes that it may have, and for a purpose (IHE ITI-71)."""

import asyncio
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from app.access.passwords import hash_password
from tests.oauth import FHIR, a_client, assertion, bearer
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

SECRET = "the secret: of 100 %"
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})


async def a_system(world: World, **registered: Any) -> None:
    values = {"kind": "system", "authentication": "private_key_jwt", "redirects": "", "scopes": "system/*.rs ITI-67"}
    await a_client(world, "ehr", **values | registered)


async def ask(world: World, auth: Any = None, **form: str) -> httpx.Response:
    return await world.http.post("/oauth/token", data={"grant_type": "client_credentials", **form}, auth=auth)


@pytest.mark.parametrize(
    ("scope", "given"),
    [
        ("", "system/*.rs ITI-67"),
        ("system/Patient.read", "system/Patient.read"),
        ("system/*.cruds", "system/*.rs"),
        ("ITI-67 ITI-65", "ITI-67"),
        ("user/*.rs system/Patient.rs", "system/Patient.rs"),
    ],
)
async def test_scopes_are_those_that_the_client_may_have(world: World, scope: str, given: str) -> None:
    await a_system(world)

    answer = (await ask(world, scope=scope, **assertion("ehr"))).json()

    assert answer["scope"] == given
    response = await world.http.post("/fhir/Patient", headers=bearer(answer), json=a_patient())
    assert response.status_code == 403


@pytest.mark.parametrize("scope", ["patient/*.rs", "system/*.cud", "nonsense", "openid", "ITI-65"])
async def test_e6_no_scope_is_a_refusal(world: World, scope: str) -> None:
    await a_system(world)

    response = await ask(world, scope=scope, **assertion("ehr"))

    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


async def test_transaction_scopes_open_their_transaction_alone(world: World) -> None:
    await a_system(world)
    answer = (await ask(world, scope="ITI-67", **assertion("ehr"))).json()

    statuses = [
        (await world.http.get(f"/fhir/{kind}", headers=bearer(answer))).status_code
        for kind in ("DocumentReference?patient=Patient/1&status=current", "List", "Patient", "Binary")
    ]

    assert statuses == [200, 403, 403, 403]


async def test_a_secret_is_taken_by_basic_authentication(world: World) -> None:
    await a_system(world, authentication="client_secret_basic", secret=await hash_password(SECRET))
    from urllib.parse import quote

    good = await ask(world, (quote("ehr"), quote(SECRET, safe="")))
    wrong = await ask(world, ("ehr", "wrong"))
    asserted = await ask(world, **assertion("ehr"))
    both = await ask(world, (quote("ehr"), quote(SECRET, safe="")), **assertion("ehr"))

    assert good.status_code == 200, good.text
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert asserted.json()["error"] == "invalid_client"
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")


async def test_rs384_is_taken(world: World) -> None:
    import json

    await a_system(world, jwks=json.dumps({"keys": [RSA.as_dict(private=False)]}))

    assert (await ask(world, **assertion("ehr", RSA, "RS384"))).status_code == 200


@pytest.mark.parametrize(
    ("stated", "purpose"), [("", "TREAT"), ("ETREAT", "ETREAT"), ("http://x|PUBHLTH", "PUBHLTH"), ("NONSENSE", None)]
)
async def test_the_purpose_is_that_of_the_request(world: World, stated: str, purpose: str | None) -> None:
    await a_system(world)

    response = await ask(world, **assertion("ehr"), **({"purpose_of_use": stated} if stated else {}))

    if purpose is None:
        assert response.json()["error"] == "invalid_request"
        return
    told = await world.http.post(
        "/oauth/introspect", data={"token": response.json()["access_token"]}, headers=bearer(response.json())
    )
    assert told.json()["extensions"]["ihe_iua"]["purpose_of_use"][0]["code"] == purpose


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"resource": FHIR}, ""),
        ({"resource": "https://elsewhere.example/fhir"}, "invalid_target"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:access_token"}, ""),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"client_id": "another"}, "invalid_client"),
    ],
    ids=str,
)
async def test_a_token_is_of_this_hub(world: World, form: dict[str, str], error: str) -> None:
    await a_system(world)

    response = await ask(world, **assertion("ehr"), **form)

    assert response.json().get("error", "") == error


async def test_an_app_has_no_token_of_its_own(world: World) -> None:
    await a_client(world)
    await a_client(world, "confidential", authentication="private_key_jwt")

    public = await ask(world, client_id="app")
    confidential = await ask(world, **assertion("confidential"))

    assert [one.json()["error"] for one in (public, confidential)] == ["unauthorized_client"] * 2


async def test_e3_an_assertion_used_twice_at_once_gives_one_token(world: World) -> None:
    await a_system(world)
    proof = assertion("ehr")

    answers = await asyncio.gather(*(ask(world, **proof) for _ in range(4)))

    assert sorted(one.status_code for one in answers) == [200, 401, 401, 401]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"grant_type=client_credentials&grant_type=client_credentials", "application/x-www-form-urlencoded"),
        (b"grant_type=\xff", "application/x-www-form-urlencoded"),
        (b"grant_type=%00", "application/x-www-form-urlencoded"),
        (b"a=" + b"a" * 70_000, "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"&".join(b"a%d=1" % n for n in range(60)), "application/x-www-form-urlencoded"),
    ],
    ids=range(6),
)
async def test_what_is_no_form_is_an_invalid_request(world: World, content: bytes, kind: str) -> None:
    response = await world.http.post("/oauth/token", content=content, headers={"content-type": kind})

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
