"""A token of the purpose BTG: one person's record, for a person with a name, a role and a reason; reading alone."""

from typing import Any

import httpx
import pytest

from tests.glass import Known, a_known_person, same
from tests.oauth import a_client, assertion, bearer
from tests.portal import a_browser, recorded, signed_in
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

IUA = {"subject_name": "救急 一郎", "subject_role": [{"code": "doctor"}], "purpose_of_use": [{"code": "BTG"}]}


async def asked(world: World, patient: str, iua: dict[str, Any] | None = None, **changes: str) -> httpx.Response:
    """Ask for a token as the system of hospital-a."""
    claims = {"extensions": {"ihe_iua": IUA if iua is None else iua}}
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.cruds",
        "patient": patient,
        "reason_code": "life-threat",
        "reason": "ショック状態で搬送",
        **assertion("ehr", **claims),
        **changes,
    }
    return await world.http.post("/oauth/token", data={name: text for name, text in form.items() if text})


async def known_at_hospital_a(world: World) -> tuple[str, str]:
    """Return hospital-a's Patient of a person, and an Observation that clinic-c keeps of the same person."""
    await a_client(world, "ehr", kind="system", authentication="private_key_jwt", scopes="system/*.cruds")
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    here = (await world.post(hospital, a_patient()))["id"]
    there = (await world.post(clinic, a_patient()))["id"]
    await same(world, here, there)
    return here, (await world.post(clinic, an_observation(there)))["id"]


async def test_it_reads_what_the_case_opens_and_nothing_else(world: World) -> None:
    here, wanted = await known_at_hospital_a(world)
    hospital = await world.client("hospital-a")
    other = (await world.post(hospital, a_patient()))["id"]

    answer = (await asked(world, here)).json()
    headers = bearer(answer)

    assert answer["patient"] == here
    assert answer["scope"] == "patient/*.rs"
    assert answer["expires_in"] == 3600
    read = await world.http.get(f"/fhir/Observation/{wanted}", headers=headers)
    assert read.status_code == 200
    assert "until=" in read.headers["x-renkei-break-glass"]
    # Not even the own site's other patients, and nothing is written.
    assert (await world.http.get(f"/fhir/Patient/{other}", headers=headers)).status_code == 404
    refused = await world.http.post("/fhir/Observation", headers=headers, json=an_observation(here))
    assert refused.status_code == 403
    begun = [one for one in await recorded(world) if one.interaction == "break-glass"]
    assert {(one.user, one.user_name, one.role, one.client) for one in begun} == {
        ("救急 一郎", "救急 一郎", "doctor", "ehr")
    }


@pytest.mark.parametrize(
    ("iua", "changes", "error"),
    [
        (None, {"reason_code": ""}, "invalid_request"),
        (None, {"reason": ""}, "invalid_request"),
        (None, {"patient": ""}, "invalid_request"),
        (None, {"patient": "Patient/never"}, "invalid_request"),
        (IUA | {"subject_name": ""}, {}, "invalid_request"),
        (IUA | {"subject_role": [{"code": "clerk"}]}, {}, "invalid_request"),
        (IUA | {"subject_role": "nurse"}, {}, "invalid_request"),
        (IUA | {"subject_role": []}, {}, "invalid_request"),
        (None, {"scope": "system/Observation.c"}, "invalid_scope"),
    ],
    ids=[
        "no code",
        "no words",
        "no patient",
        "an unknown patient",
        "nobody",
        "a clerk",
        "a nurse",
        "no role",
        "writes",
    ],
)
async def test_f4_without_reason_person_or_patient_there_is_no_token(
    world: World, iua: dict[str, Any] | None, changes: dict[str, str], error: str
) -> None:
    here, _ = await known_at_hospital_a(world)

    answer = await asked(world, iua=iua, **{"patient": here, **changes})

    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_f4_a_hidden_patient_is_refused_like_one_that_never_was(world: World) -> None:
    await known_at_hospital_a(world)
    hidden = (await world.post(await world.client("hospital-b"), a_patient()))["id"]

    answers = [await asked(world, patient) for patient in (hidden, "never-was")]

    assert answers[0].json() == answers[1].json()


async def test_f4_a_token_of_the_purpose_without_a_case_is_good_for_nothing(world: World) -> None:
    known: Known = await a_known_person(world)

    answer = await world.http.get(
        f"/fhir/Observation/{known.ordinary}", headers=await world.client("hospital-a", purpose="BTG")
    )

    assert answer.status_code == 401


async def test_revoking_the_token_ends_the_case_and_so_does_the_secretariat(world: World) -> None:
    here, wanted = await known_at_hospital_a(world)
    office = await signed_in(world, "secretariat", "secretariat")
    statuses = []
    for way in ("revoke", "office"):
        answer = (await asked(world, here)).json()
        statuses.append((await world.http.get(f"/fhir/Observation/{wanted}", headers=bearer(answer))).status_code)
        if way == "revoke":
            form = {"token": answer["access_token"], **assertion("ehr")}
            await world.http.post("/oauth/revoke", data=form)
        else:
            page = await office.get("/break-glass/cases")
            number = page.text.split('href="/break-glass/cases/')[1].split('"')[0]
            await office.post("/break-glass/end", {"case": number})
        statuses.append((await world.http.get(f"/fhir/Observation/{wanted}", headers=bearer(answer))).status_code)

    assert statuses == [200, 401, 200, 401]
    assert (await a_browser(world).get("/break-glass/cases")).status_code == 303
