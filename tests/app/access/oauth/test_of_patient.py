"""A system's token about one patient: PCF's decision, the extension `ihe_pcf`, and its enforcement."""

from typing import Any

import httpx
import pytest

from tests.oauth import a_client, assertion, bearer
from tests.portal import recorded
from tests.world import ADDRESS, World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

REFUSED = {"error": "invalid_scope", "error_description": "No consent of the patient permits this"}
PERIOD = {"start": "2024-01-01", "end": "2024-12-31"}


async def asked(world: World, patient: str, **changes: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "scope": "system/*.cruds", "patient": patient, **assertion("ehr")}
    return await world.http.post("/oauth/token", data={**form, **changes})


async def introspected(world: World, token: str) -> dict[str, Any]:
    answer = await world.http.post(
        "/oauth/introspect", data={"token": token, **assertion("ehr", aud=f"{ADDRESS}/oauth/introspect")}
    )
    return dict(answer.json())


async def at_the_clinic(world: World, **provision: Any) -> tuple[str, str, str]:
    """Return a Patient of clinic-c and an Observation; with a Consent for hospital-a, and its id."""
    await a_client(world, "ehr", kind="system", authentication="private_key_jwt", scopes="system/*.cruds")
    clinic = await world.client("clinic-c")
    patient = (await world.post(clinic, a_patient()))["id"]
    observation = (await world.post(clinic, an_observation(patient)))["id"]
    consent = (await world.post(clinic, a_consent(patient, "hospital-a", **provision)))["id"]
    return patient, observation, consent


async def test_a_permit_gives_a_token_that_names_it_and_is_of_that_patient_alone(world: World) -> None:
    patient, observation, consent = await at_the_clinic(world)
    other = (await world.post(await world.client("hospital-a"), a_patient()))["id"]

    answer = (await asked(world, patient)).json()

    base = f"{ADDRESS}/fhir"
    expected = {"patient_id": f"{base}/Patient/{patient}", "doc_id": [f"{base}/Consent/{consent}"]}
    assert answer["extensions"]["ihe_pcf"] == expected
    assert (answer["scope"], answer["patient"]) == ("patient/*.cruds", patient)
    told = await introspected(world, answer["access_token"])
    assert (told["patient"], told["extensions"]["ihe_pcf"]) == (patient, expected)
    statuses = [
        (await world.http.get(f"/fhir/{path}", headers=bearer(answer))).status_code
        for path in (f"Observation/{observation}", f"Patient/{other}")
    ]
    assert statuses == [200, 404]
    decisions = [one for one in await recorded(world) if one.interaction == "consent-decision"]
    assert [(one.patient, one.entities) for one in decisions] == [(f"Patient/{patient}", (f"Consent/{consent}",))]


async def test_what_a_permit_leaves_out_is_residual_and_enforced(world: World) -> None:
    patient, observation, _ = await at_the_clinic(world, provision=[{"type": "deny", "dataPeriod": PERIOD}])

    answer = (await asked(world, patient)).json()

    assert answer["extensions"]["ihe_pcf"]["residual"] == [{"type": "forbid", "dataPeriod": PERIOD}]
    read = await world.http.get(f"/fhir/Observation/{observation}", headers=bearer(answer))
    assert read.status_code == 404


async def test_without_consent_there_is_no_token_and_nobody_learns_who_is_there(world: World) -> None:
    await at_the_clinic(world)
    hidden = (await world.post(await world.client("clinic-c"), a_patient()))["id"]

    answers = [await asked(world, patient) for patient in (hidden, "never-was")]

    assert [(one.status_code, one.json()) for one in answers] == [(400, REFUSED)] * 2


async def test_after_a_withdrawal_the_token_opens_nothing_and_says_so(world: World) -> None:
    patient, observation, consent = await at_the_clinic(world)
    answer = (await asked(world, patient)).json()
    clinic = await world.client("clinic-c")
    stored = (await world.http.get(f"/fhir/Consent/{consent}", headers=clinic)).json()
    await world.http.put(f"/fhir/Consent/{consent}", headers=clinic, json={**stored, "status": "inactive"})

    read = await world.http.get(f"/fhir/Observation/{observation}", headers=bearer(answer))
    told = await introspected(world, answer["access_token"])

    assert read.status_code == 404
    assert told["extensions"]["ihe_pcf"]["residual"] == [{"type": "forbid"}]
    assert (await asked(world, patient)).json() == REFUSED


async def test_the_own_record_needs_no_consent_and_to_others_all_is_forbidden(world: World) -> None:
    await a_client(world, "ehr", kind="system", authentication="private_key_jwt", scopes="system/*.cruds")
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]

    answer = (await asked(world, patient)).json()

    assert answer["extensions"]["ihe_pcf"]["residual"] == [{"type": "forbid"}]
    assert (await world.http.get(f"/fhir/Patient/{patient}", headers=bearer(answer))).status_code == 200


async def test_it_begins_no_export_and_nothing_that_is_answered_later(world: World) -> None:
    patient, observation, _ = await at_the_clinic(world)
    headers = bearer((await asked(world, patient)).json()) | {"Prefer": "respond-async"}

    export = await world.http.get("/fhir/$export", headers=headers)
    search = await world.http.get("/fhir/Observation", headers=headers)

    assert export.status_code == 403
    assert [one["resource"]["id"] for one in search.json()["entry"]] == [observation]


async def test_the_purpose_decides(world: World) -> None:
    patient, _, _ = await at_the_clinic(world, purpose=[{"code": "TREAT"}])

    answers = [await asked(world, patient, purpose_of_use=purpose) for purpose in ("TREAT", "HRESCH")]

    assert [one.status_code for one in answers] == [200, 400]
