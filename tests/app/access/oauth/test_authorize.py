"""The authorisation endpoint: what an app must say, what a person decides, and who is told what is wrong."""

from typing import Any

import httpx
import pytest

from tests.oauth import REDIRECT, a_client, allowed, answer_of, asked
from tests.portal import a_browser, recorded, signed_in
from tests.world import ADDRESS, World, a_patient

pytestmark = pytest.mark.anyio


async def ask(browser: Any, **changes: str | None) -> httpx.Response:
    return await browser.http.get(f"/oauth/authorize?{httpx.QueryParams(asked(**changes))}")


async def test_a_person_picks_the_patient_and_the_app_gets_a_code(world: World) -> None:
    await a_client(world)
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]
    browser = await signed_in(world, "hospital-a")

    page = await ask(browser, find="山田")
    answer = await allowed(browser, patient=patient)

    assert "成長曲線アプリ" in page.text
    assert patient in page.text
    assert "app.example" in page.text
    assert "form-action 'self' https://app.example" in page.headers["content-security-policy"]
    assert answer["state"] == "the-state"
    assert answer["iss"] == ADDRESS
    assert len(answer["code"]) > 40
    event = [one for one in await recorded(world) if one.interaction == "authorize"][-1]
    assert (event.outcome, event.client, event.patient, event.user) == (
        "0",
        "app",
        f"Patient/{patient}",
        "doctor-hospital-a",
    )


REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "no code": ({"response_type": "token"}, "unsupported_response_type"),
    "no state": ({"state": None}, "invalid_request"),
    "E4 no PKCE": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "E4 plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "E4 plain by default": ({"code_challenge_method": None}, "invalid_request"),
    "E4 not a challenge": ({"code_challenge": "abc"}, "invalid_request"),
    "no audience": ({"aud": None}, "invalid_request"),
    "E2 another audience": ({"aud": "https://elsewhere.example/fhir"}, "invalid_target"),
    "E2 another resource": ({"resource": "https://elsewhere.example/fhir"}, "invalid_target"),
    "nothing that is allowed": ({"scope": "system/*.cruds"}, "invalid_scope"),
    "nothing that is known": ({"scope": "everything"}, "invalid_scope"),
    "without the person": ({"prompt": "none"}, "consent_required"),
    "an unknown launch": ({"launch": "nothing"}, "invalid_request"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_the_app_is_told_what_is_wrong(world: World, name: str) -> None:
    await a_client(world)
    browser = await signed_in(world, "hospital-a")
    changes, error = REFUSED[name]

    answer = answer_of(await ask(browser, **changes))

    assert (answer["error"], answer["iss"]) == (error, ADDRESS)
    assert answer.get("state") == (None if "state" in changes else "the-state")
    event = [one for one in await recorded(world) if one.interaction == "authorize"][-1]
    assert event.outcome == "8"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": f"{REDIRECT}/"},
        {"redirect_uri": f"{REDIRECT}?x=1"},
        {"redirect_uri": None},
        {"client_id": "system-client"},
    ],
    ids=str,
)
async def test_e5_nobody_is_sent_to_an_address_that_is_not_registered(
    world: World, changes: dict[str, str | None]
) -> None:
    await a_client(world)
    await a_client(world, "system-client", kind="system", authentication="private_key_jwt", redirects=REDIRECT)
    browser = await signed_in(world, "hospital-a")

    answer = await ask(browser, **changes)

    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_a_person_may_refuse(world: World) -> None:
    await a_client(world)
    browser = await signed_in(world, "hospital-a")

    answer = await allowed(browser, decision="deny")

    assert answer["error"] == "access_denied"


async def test_a_patient_whom_the_person_may_not_see_cannot_be_picked(world: World) -> None:
    await a_client(world)
    patient = (await world.post(await world.client("hospital-b"), a_patient()))["id"]
    browser = await signed_in(world, "hospital-a")

    hidden, unknown = await allowed(browser, patient=patient), await allowed(browser, patient="never")

    assert hidden == unknown
    assert hidden["error"] == "access_denied"


async def test_who_is_not_signed_in_signs_in_first_and_comes_back(world: World) -> None:
    await a_client(world)
    browser = a_browser(world)

    answer = await ask(browser)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/?next=%2Foauth%2Fauthorize%3F")


async def test_a_browser_that_comes_from_the_app_comes_again_with_its_session(world: World) -> None:
    await a_client(world)
    query = httpx.QueryParams(asked())

    answer = await world.http.get(f"/oauth/authorize?{query}", headers={"sec-fetch-site": "cross-site"})

    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0;url=/oauth/authorize?' in answer.text


async def test_the_form_of_another_page_decides_nothing(world: World) -> None:
    await a_client(world)
    browser = await signed_in(world, "hospital-a")
    address = f"/oauth/authorize?{httpx.QueryParams(asked())}"

    forged = await browser.http.post(address, data={"decision": "allow"}, headers={"sec-fetch-site": "same-origin"})

    assert forged.status_code == 403


async def test_a_parameter_is_there_once(world: World) -> None:
    await a_client(world)
    browser = await signed_in(world, "hospital-a")
    query = f"{httpx.QueryParams(asked())}&redirect_uri=https://evil.example/"

    answer = await browser.http.get(f"/oauth/authorize?{query}")

    assert answer.status_code == 400
