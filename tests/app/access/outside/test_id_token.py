"""Tokens of the provider, forged in every way: E1, E2."""

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from app.access.fetch import NotFetched
from app.access.outside.id_token import LOGOUT_EVENT, NotProved, read_id_token, read_logout_token
from app.access.outside.provider import Outside, read_provider
from app.access.outside.session import name_in, second_factor
from app.settings import Settings

pytestmark = pytest.mark.anyio

ISSUER, CLIENT, NOW = "https://idp.example", "renkei", 1_800_000_000.0
KEY = ECKey.generate_key("P-256", parameters={"kid": "now", "use": "sig"})
OTHER = ECKey.generate_key("P-256", parameters={"kid": "now", "use": "sig"})
RSA = RSAKey.generate_key(2048, parameters={"kid": "rsa", "use": "sig"})
GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "4711",
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": "the nonce",
}
LOGOUT: dict[str, Any] = {
    "iss": ISSUER,
    "aud": [CLIENT],
    "iat": NOW,
    "jti": "1",
    "events": {LOGOUT_EVENT: {}},
    "sid": "session",
}


def an_outside() -> Outside:
    """Return a provider whose keys were fetched just now."""
    made = Outside(Settings(oidc_issuer=ISSUER, oidc_client_id=CLIENT), seconds=lambda: 0.0)
    public = [json.loads(json.dumps(one.as_dict(private=False))) for one in (KEY, RSA)]
    made._keys = (0.0, KeySet.import_key_set({"keys": public}))
    return made


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "ES256", **header: Any) -> str:
    return jwt.encode({"alg": algorithm, "kid": key.kid, **header}, claims, key, algorithms=[algorithm])


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def _read(token: str) -> Any:
    return await read_id_token(an_outside(), token, nonce="the nonce", now_seconds=NOW)


@pytest.mark.parametrize(("key", "algorithm"), [(KEY, "ES256"), (RSA, "RS256"), (RSA, "PS256")])
async def test_a_good_token_is_taken(key: Any, algorithm: str) -> None:
    assert (await _read(signed(GOOD, key, algorithm)))["sub"] == "4711"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": f"{ISSUER}/"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": NOW + 3600},
        {"iat": None},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": ["the nonce"]},
        {"sub": ""},
        {"sub": 4711},
        {"sub": "x" * 300},
    ],
    ids=str,
)
async def test_e2_claims_that_do_not_hold(changes: dict[str, Any]) -> None:
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}

    with pytest.raises(NotProved):
        await _read(signed(claims))


async def test_several_audiences_are_taken_when_the_hub_is_the_one_it_was_issued_to() -> None:
    assert (await _read(signed({**GOOD, "aud": [CLIENT, "another"], "azp": CLIENT})))["sub"] == "4711"


def _by_secret(secret: bytes) -> str:
    """A token that is signed by what everybody knows, as if it were a secret."""
    text = f"{_part({'alg': 'HS256', 'kid': 'now'})}.{_part(GOOD)}"
    made = hmac.digest(secret, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "token",
    [
        f"{_part({'alg': 'none'})}.{_part(GOOD)}.",
        f"{_part({'alg': 'None', 'kid': 'now'})}.{_part(GOOD)}.",
        signed(GOOD, OTHER),
        _by_secret(KEY.as_pem(private=False)),
        signed(GOOD)[:-4] + "AAAA",
        signed(GOOD, OTHER, jwk=OTHER.as_dict(private=False)),
        signed(GOOD, OTHER, jku="https://evil.example/keys"),
        signed(GOOD, ECKey.generate_key("P-256", parameters={"kid": "../../now"})),
        "",
        "a.b",
        "a.b.c",
        "." * 10,
        "x" * 30_000,
        f"{_part({'alg': 'ES256', 'kid': 'now'})}.{'[' * 5000}.AAAA",
    ],
    ids=[
        *("none", "None", "another key", "a secret made of the public key", "altered", "a key in the header"),
        *("a key elsewhere", "an unknown key", "nothing", "two parts", "nonsense", "dots", "too long", "deep"),
    ],
)
async def test_e1_signatures_that_do_not_hold(token: str) -> None:
    with pytest.raises(NotProved):
        await _read(token)


@pytest.mark.parametrize(
    ("changes", "found"),
    [({}, ("session", "")), ({"sub": "4711"}, ("session", "4711")), ({"sid": None, "sub": "4711"}, ("", "4711"))],
    ids=str,
)
async def test_a_logout_token_names_a_session_or_a_person(changes: dict[str, Any], found: tuple[str, str]) -> None:
    claims = {name: value for name, value in {**LOGOUT, **changes}.items() if value is not None}

    assert await read_logout_token(an_outside(), signed(claims), now_seconds=NOW) == found


@pytest.mark.parametrize(
    "changes",
    [
        {"events": None},
        {"events": {}},
        {"events": [LOGOUT_EVENT]},
        {"nonce": "a"},
        {"sid": None},
        {"iat": NOW - 3600},
        {"exp": NOW - 100},
        {"aud": "another"},
        {"iss": "https://elsewhere.example"},
    ],
    ids=str,
)
async def test_a_logout_token_that_does_not_hold(changes: dict[str, Any]) -> None:
    claims = {name: value for name, value in {**LOGOUT, **changes}.items() if value is not None}

    with pytest.raises(NotProved):
        await read_logout_token(an_outside(), signed(claims), now_seconds=NOW)


@pytest.mark.parametrize(
    ("claims", "factor"),
    [
        ({}, ""),
        ({"amr": ["pwd"]}, ""),
        ({"amr": ["pwd", "mfa"]}, "mfa"),
        ({"amr": "mfa"}, ""),
        ({"amr": [["mfa"], 1, None]}, ""),
        ({"acr": "urn:two"}, "urn:two"),
        ({"acr": 2}, ""),
        ({"acr": ["urn:two"]}, ""),
    ],
    ids=str,
)
def test_what_shows_two_factors(claims: dict[str, Any], factor: str) -> None:
    assert second_factor(claims, "mfa, urn:two") == factor


@pytest.mark.parametrize(
    ("claims", "claim", "name"),
    [
        ({"preferred_username": "yamada"}, "preferred_username", "yamada"),
        ({}, "preferred_username", ""),
        ({"preferred_username": ["yamada"]}, "preferred_username", ""),
        ({"preferred_username": "yama\0da"}, "preferred_username", ""),
        ({"preferred_username": "x" * 201}, "preferred_username", ""),
        ({"email": "a@b.example"}, "email", ""),
        ({"email": "a@b.example", "email_verified": "true"}, "email", ""),
        ({"email": "a@b.example", "email_verified": True}, "email", "a@b.example"),
    ],
    ids=str,
)
def test_the_name_that_claims_state(claims: dict[str, Any], claim: str, name: str) -> None:
    assert name_in(claims, claim) == name


STATED = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://elsewhere.example"},
        {"issuer": f"{ISSUER}/"},
        {"token_endpoint": None},
        {"jwks_uri": ["https://a.example"]},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"code_challenge_methods_supported": ["plain"]},
    ],
    ids=str,
)
def test_a_discovery_document_that_is_not_taken(changes: dict[str, Any]) -> None:
    with pytest.raises(NotFetched):
        read_provider({**STATED, **changes}, ISSUER)


def test_a_discovery_document() -> None:
    found = read_provider({**STATED, "end_session_endpoint": "javascript:alert(1)"}, ISSUER)

    assert (found.token, found.end_session, found.states_issuer) == (f"{ISSUER}/token", "", False)


async def test_unknown_keys_are_not_asked_for_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    outside = an_outside()
    clock = [0.0]
    outside._seconds = lambda: clock[0]
    outside._provider = (0.0, read_provider(STATED, ISSUER))

    async def fetched(address: str, **_: Any) -> dict[str, Any]:
        asked.append(address)
        return {"keys": [OTHER.as_dict(private=False)]}

    monkeypatch.setattr("app.access.outside.provider.fetch_json", fetched)
    for clock[0] in (1.0, 29.0, 31.0, 32.0, 60.0, 62.0):
        await outside.keys("unknown")

    assert asked == [f"{ISSUER}/keys"] * 2
