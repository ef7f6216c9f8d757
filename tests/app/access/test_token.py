"""The token endpoint: only the holder of a client's key gets a token, once for each assertion."""

import base64
import json
import time
import uuid
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from sqlalchemy import select, update

from app.access import directory, epoch
from app.access.tables import client, token
from app.access.tokens import ASSERTION_TYPE
from app.audit.log import AuditUnavailable
from tests.world import ADDRESS, World, a_patient

pytestmark = pytest.mark.anyio

KEY = ECKey.generate_key("P-384", {"kid": "1", "use": "sig"})
OTHER = ECKey.generate_key("P-384", {"kid": "1", "use": "sig"})
JWKS = json.dumps({"keys": [KEY.as_dict(private=False)]})


async def enrol(world: World, **values: Any) -> None:
    """Add the client `ehr` of hospital-a with the key."""
    async with world.hub.database.write() as connection:
        site = await directory.find_organisation(connection, "hospital-a")
        await directory.add_client(
            connection,
            **{"id": "ehr", "title": "EHR", "organisation_key": site.key, "role": "system", "jwks": JWKS, **values},
        )


def claims(**changes: Any) -> dict[str, Any]:
    made = {
        "iss": "ehr",
        "sub": "ehr",
        "aud": f"{ADDRESS}/oauth/token",
        "exp": int(time.time()) + 60,
        "jti": str(uuid.uuid4()),
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def signed(key: Any = KEY, alg: str = "ES384", **changes: Any) -> str:
    return jwt.encode({"alg": alg, "kid": "1"}, claims(**changes), key, algorithms=[alg])


def with_header(key: Any, **header: Any) -> str:
    return jwt.encode({"alg": "ES384", "kid": "1", **header}, claims(), key, algorithms=["ES384"])


def unsigned(header: Any, payload: Any) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in (header, payload)]
    return ".".join([*parts, ""])


def purpose(code: Any) -> dict[str, Any]:
    return {"extensions": {"ihe_iua": {"purpose_of_use": [{"code": code}]}}}


async def ask(world: World, assertion: str, **changes: str) -> tuple[int, dict[str, Any]]:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        **changes,
    }
    response = await world.http.post("/oauth/token", data=form)
    assert response.headers["cache-control"] == "no-store"
    return response.status_code, response.json()


async def test_a_signed_assertion_gets_a_token_that_opens_the_door(world: World) -> None:
    await enrol(world)

    status, answer = await ask(world, signed())
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}

    assert (status, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 300)
    assert (await world.post(bearer, a_patient()))["resourceType"] == "Patient"


REFUSED: dict[str, Any] = {
    "E1 another key": lambda: signed(OTHER),
    "E1 alg none": lambda: unsigned({"alg": "none"}, claims()),
    "E1 alg None": lambda: unsigned({"alg": "None", "kid": "1"}, claims()),
    "E1 HMAC with the public key": lambda: signed(OctKey.import_key(JWKS), "HS256"),
    "E1 altered claims": lambda: _altered(signed()),
    "E1 a key of another place": lambda: with_header(OTHER, jku="https://elsewhere.example/jwks"),
    "E1 a key in the header": lambda: with_header(OTHER, jwk=OTHER.as_dict(private=False)),
    "E1 a path for a key": lambda: with_header(OTHER, kid="../../../../dev/null"),
    "E2 not valid yet": lambda: signed(nbf=int(time.time()) + 3600),
    "E2 valid from what is no number": lambda: signed(nbf="now"),
    "E2 expired": lambda: signed(exp=int(time.time()) - 60),
    "E2 too long": lambda: signed(exp=int(time.time()) + 3600),
    "E2 no end": lambda: signed(exp=None),
    "an end that is no number": lambda: signed(exp="tomorrow"),
    "an end that is not a number": lambda: signed(exp=float("nan")),
    "E2 another audience": lambda: signed(aud="https://elsewhere.example/oauth/token"),
    "E2 no audience": lambda: signed(aud=None),
    "E2 another issuer": lambda: signed(iss="somebody"),
    "E3 no jti": lambda: signed(jti=None),
    "unknown client": lambda: signed(iss="nobody", sub="nobody"),
    "no subject": lambda: signed(sub=None),
    "a subject that is no text": lambda: signed(sub=["ehr"]),
    "a NUL in the subject": lambda: signed(sub="ehr\x00"),
    "half a surrogate in the subject": lambda: unsigned({"alg": "ES384"}, {"sub": "\ud800"}),
    "not a JWT": lambda: "abc",
    "not base64": lambda: "a.b!.c",
    "nested claims": lambda: "e30." + base64.urlsafe_b64encode(b"[" * 6_000).decode() + ".x",
    "a nested header": lambda: (
        base64.urlsafe_b64encode(b"[" * 3_000).decode() + "." + unsigned({}, claims()).split(".")[1] + ".x"
    ),
    "nothing": lambda: "",
}


def _altered(text: str) -> str:
    header, _, signature = text.split(".")
    return f"{header}.{unsigned({}, claims(scope='all')).split('.')[1]}.{signature}"


@pytest.mark.parametrize("name", REFUSED)
async def test_an_assertion_that_does_not_hold_gets_nothing(world: World, name: str) -> None:
    await enrol(world)

    status, answer = await ask(world, REFUSED[name]())

    assert (status, answer["error"]) == (401, "invalid_client"), answer
    assert "access_token" not in answer


async def test_e3_an_assertion_is_good_for_one_token(world: World) -> None:
    await enrol(world)
    assertion = signed()

    first, _ = await ask(world, assertion)
    second, answer = await ask(world, assertion)

    assert (first, second, answer["error_description"]) == (200, 401, "The assertion was used before")


@pytest.mark.parametrize(
    ("form", "error", "status"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type", 400),
        ({"grant_type": ""}, "unsupported_grant_type", 400),
        ({"client_assertion_type": "secret"}, "invalid_client", 401),
    ],
)
async def test_no_other_grant_is_known(world: World, form: dict[str, str], error: str, status: int) -> None:
    await enrol(world)

    assert (await ask(world, signed(), **form))[1]["error"] == error
    assert (await ask(world, signed(), **form))[0] == status


async def test_a_disabled_client_gets_nothing(world: World) -> None:
    await enrol(world)
    async with world.hub.database.write() as connection:
        await connection.execute(update(client).values(disabled=1), {})

    assert (await ask(world, signed()))[1]["error_description"] == "The client is not known"


async def test_a_client_without_keys_gets_nothing(world: World) -> None:
    await enrol(world, jwks='{"keys":[]}')

    assert (await ask(world, signed()))[0] == 401


@pytest.mark.parametrize(
    ("extension", "status"),
    [
        (purpose("TREAT"), 200),
        (purpose("ETREAT"), 200),
        ({"extensions": {"ihe_iua": {"purpose_of_use": []}}}, 200),
        ({"extensions": "x"}, 200),
        (purpose("CURIOSITY"), 400),
        (purpose([]), 400),
        ({"extensions": {"ihe_iua": {"purpose_of_use": ["TREAT"]}}}, 400),
    ],
)
async def test_the_purpose_of_use_is_one_the_hub_knows(world: World, extension: dict[str, Any], status: int) -> None:
    await enrol(world)

    assert (await ask(world, signed(**extension)))[0] == status


async def test_a_token_ends_in_time(world: World) -> None:
    await enrol(world)
    _, answer = await ask(world, signed())
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    before = await world.http.get("/fhir/Patient", headers=bearer)
    now = world.hub.clock

    world.hub.callers._clock = lambda: now() + 300_000_000
    kept = await world.http.get("/fhir/Patient", headers=bearer)
    world.hub.callers.forget(answer["access_token"])
    looked_up = await world.http.get("/fhir/Patient", headers=bearer)

    assert [one.status_code for one in (before, kept, looked_up)] == [200, 401, 401]


async def test_the_endpoint_says_nothing_when_the_log_cannot_be_written(world: World) -> None:
    await enrol(world)
    world.hub.audit._wait_seconds = -1.0

    status, answer = await ask(world, signed(OTHER))

    assert (status, answer) == (503, {"error": "temporarily_unavailable"})


async def test_a_token_and_its_record_are_one_transaction(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await enrol(world)

    async def fails(*_: Any) -> None:
        raise AuditUnavailable

    monkeypatch.setattr(world.hub.audit, "stage", fails)
    assertion = signed()
    refused = await ask(world, assertion)
    monkeypatch.undo()

    assert refused == (503, {"error": "temporarily_unavailable"})
    assert await world.hub.database.reader.fetch(select(token), {}) == []
    assert (await ask(world, assertion))[0] == 200


async def test_the_access_epoch_begins_at_one_where_it_is_missing(world: World) -> None:
    async with world.hub.database.write() as connection:
        grown = [await epoch.grow(connection, "another") for _ in range(2)]

    assert grown == [1, 2]
