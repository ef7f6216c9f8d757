"""EHR launches: begun by a system or from a patient's page, good once, for the person and the app they are for."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.oauth import FHIR, a_client, allowed, answer_of, asked, redeemed, scoped
from tests.portal import recorded, signed_in
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

LAUNCH = "https://app.example/launch"
SCOPE = "launch openid patient/*.rs"


async def a_patient_of(world: World, site: str = "hospital-a") -> str:
    return str((await world.post(await world.client(site), a_patient()))["id"])


async def begun(world: World, caller: dict[str, str], **form: str) -> httpx.Response:
    return await world.http.post("/oauth/launch", headers=caller, data={"client_id": "app", **form})


async def test_a_system_opens_an_app_for_a_patient_and_an_encounter(world: World) -> None:
    await a_client(world, launch_url=LAUNCH, scopes="launch launch/encounter openid patient/*.rs")
    site, patient = await world.client("hospital-a"), await a_patient_of(world)
    encounter = await world.post(
        site,
        {
            "resourceType": "Encounter",
            "status": "in-progress",
            "class": {"code": "AMB"},
            "subject": {"reference": f"Patient/{patient}"},
        },
    )

    answer = (await begun(world, site, patient=patient, encounter=encounter["id"])).json()
    parts = parse_qs(urlsplit(answer["url"]).query)
    browser = await signed_in(world, "hospital-a")
    scope = "launch launch/encounter patient/*.rs"
    code = (await allowed(browser, launch=answer["launch"], scope=scope))["code"]
    tokens = (await redeemed(world, code)).json()

    assert parts == {"iss": [FHIR], "launch": [answer["launch"]]}
    assert (tokens["patient"], tokens["encounter"]) == (patient, encounter["id"])
    assert tokens["scope"] == scope
    event = [one for one in await recorded(world) if one.interaction == "launch"][-1]
    assert (event.client, event.patient) == ("hospital-a-system", f"Patient/{patient}")


async def test_the_portal_opens_an_app_from_a_patients_page(world: World) -> None:
    await a_client(world, launch_url=LAUNCH)
    patient = await a_patient_of(world)
    browser = await signed_in(world, "hospital-a")

    page = await browser.http.get(f"/patients/{patient}")
    opened = await browser.http.get(f"/apps/app/open?patient={patient}")
    launch = parse_qs(urlsplit(opened.headers["location"]).query)["launch"][0]
    code = (await allowed(browser, launch=launch, scope=SCOPE))["code"]

    assert f"/apps/app/open?patient={patient}" in page.text
    assert opened.headers["location"].startswith(LAUNCH)
    assert (await redeemed(world, code)).json()["patient"] == patient


async def test_a_launch_is_good_once(world: World) -> None:
    await a_client(world, launch_url=LAUNCH)
    patient = await a_patient_of(world)
    launch = (await begun(world, await world.client("hospital-a"), patient=patient)).json()["launch"]
    browser = await signed_in(world, "hospital-a")
    await allowed(browser, launch=launch, scope=SCOPE)

    again = await browser.http.get(f"/oauth/authorize?{httpx.QueryParams(asked(launch=launch, scope=SCOPE))}")

    assert answer_of(again)["error"] == "invalid_request"


@pytest.mark.parametrize("who", ["another site", "another app"])
async def test_a_launch_is_for_whom_it_was_begun(world: World, who: str) -> None:
    await a_client(world, launch_url=LAUNCH)
    await a_client(world, "other", launch_url=LAUNCH)
    patient = await a_patient_of(world)
    launch = (await begun(world, await world.client("hospital-a"), patient=patient)).json()["launch"]
    browser = await signed_in(world, "hospital-b" if who == "another site" else "hospital-a")
    changes: dict[str, Any] = {"launch": launch, "scope": SCOPE}
    changes |= {"client_id": "other"} if who == "another app" else {}

    answer = answer_of(await browser.http.get(f"/oauth/authorize?{httpx.QueryParams(asked(**changes))}"))

    assert answer["error"] == "access_denied"


async def test_nothing_is_launched_for_what_the_system_does_not_see(world: World) -> None:
    await a_client(world, launch_url=LAUNCH)
    hidden = await a_patient_of(world, "hospital-b")
    site = await world.client("hospital-a")
    scopes = await scoped(world, "hospital-a", "system/Observation.rs")

    one, other = await begun(world, site, patient=hidden), await begun(world, site, patient="never")
    unnamed = await world.http.post("/oauth/launch", headers=site, data={"client_id": "nobody"})
    unknown = await world.http.post("/oauth/launch", data={"client_id": "app"})
    beyond = await begun(world, scopes, patient=await a_patient_of(world))

    assert (one.status_code, other.status_code, unnamed.status_code) == (400, 400, 400)
    assert one.json()["error_description"].replace(hidden, "") == other.json()["error_description"].replace("never", "")
    assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_client")
    assert beyond.status_code == 400
