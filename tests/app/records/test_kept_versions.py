"""What is in memory is answered as what is read from the tables."""

from typing import Any

import pytest

from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

PSYCHIATRY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}


async def _page(world: World, caller: dict[str, str], query: str) -> tuple[int, list[dict[str, Any]], str | None]:
    bundle = (await world.http.get(f"/fhir/{query}", headers=caller)).json()
    after = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
    return bundle["total"], [entry["resource"] for entry in bundle.get("entry", ())], after


async def _disclosed(world: World) -> tuple[dict[str, str], dict[str, str], str, list[dict[str, Any]]]:
    """Return a site and another that may see its patient, the patient, and three Observations that were searched."""
    own, other = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(own, a_patient()))["id"]
    await world.post(own, a_consent(patient, "clinic-c"))
    made = [
        await world.post(own, an_observation(patient, effectiveDateTime=f"2024-05-0{day}T10:00:00+09:00"))
        for day in (1, 2, 3)
    ]
    assert (await _page(world, other, f"Observation?patient={patient}"))[0] == 3
    return own, other, patient, made


async def test_the_second_answer_is_the_first_one_again(world: World) -> None:
    _, other, patient, made = await _disclosed(world)
    query = f"Observation?patient={patient}&_sort=-date&_count=2"

    answers = [await _page(world, other, query) for _ in range(2)]

    assert [(total, found) for total, found, _ in answers] == [(3, [made[2], made[1]])] * 2
    rest = await world.http.get(str(answers[1][2]), headers=other)
    assert [entry["resource"] for entry in rest.json()["entry"]] == [made[0]]


async def test_what_was_kept_is_read_from_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, other, patient, made = await _disclosed(world)
    monkeypatch.setattr("fhir.search.run.page", None)

    answer = await _page(world, other, f"Observation?patient={patient}&_sort=date")

    assert answer == (3, made, None)


async def test_a_withdrawal_counts_at_once(world: World) -> None:
    own, other, patient, _ = await _disclosed(world)
    consents = await world.http.get(f"/fhir/Consent?patient={patient}", headers=own)
    consent = consents.json()["entry"][0]["resource"]

    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=own, json={**consent, "status": "inactive"})

    assert await _page(world, other, f"Observation?patient={patient}") == (0, [], None)


async def test_a_new_version_and_a_deletion_count_at_once(world: World) -> None:
    own, other, patient, made = await _disclosed(world)
    changed = {**made[0], "note": [{"text": "再検"}]}

    stored = await world.http.put(f"/fhir/Observation/{made[0]['id']}", headers=own, json=changed)
    await world.http.delete(f"/fhir/Observation/{made[1]['id']}", headers=own)

    total, found, _ = await _page(world, other, f"Observation?patient={patient}&_sort=date")
    assert (total, found) == (2, [stored.json(), made[2]])


async def test_a_label_counts_at_once(world: World) -> None:
    own, other, patient, made = await _disclosed(world)
    labelled = {**made[0], "meta": {"security": [PSYCHIATRY]}}

    await world.http.put(f"/fhir/Observation/{made[0]['id']}", headers=own, json=labelled)

    assert (await _page(world, other, f"Observation?patient={patient}&_sort=date"))[:2] == (2, made[1:])
    assert (await _page(world, own, f"Observation?patient={patient}"))[0] == 3


async def test_what_is_not_committed_is_not_kept(world: World) -> None:
    own, _, patient, made = await _disclosed(world)
    entry = {**made[0], "note": [{"text": "未確定"}]}
    put = {"resource": entry, "request": {"method": "PUT", "url": f"Observation/{made[0]['id']}"}}
    refused = {"resource": {"resourceType": "Observation"}, "request": {"method": "POST", "url": "Observation"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [put, refused]}

    answer = await world.http.post("/fhir", headers=own, json=bundle)

    assert answer.status_code == 422
    assert (await _page(world, own, f"Observation?patient={patient}&_sort=date"))[1] == made


async def test_a_read_from_memory_follows_versions_withdrawals_and_deletions(world: World) -> None:
    own, other, _, made = await _disclosed(world)
    address = f"/fhir/Observation/{made[0]['id']}"
    first, again = [await world.http.get(address, headers=other) for _ in range(2)]

    changed = await world.http.put(address, headers=own, json={**made[0], "note": [{"text": "再検"}]})
    second = await world.http.get(address, headers=other)
    await world.http.delete(address, headers=own)
    third = [(await world.http.get(address, headers=caller)).status_code for caller in (own, own, other)]

    assert first.content == again.content
    assert first.json() == made[0]
    assert second.json() == changed.json()
    assert third == [410, 410, 410]


async def test_a_read_from_memory_stops_with_the_consent(world: World) -> None:
    own, other, patient, made = await _disclosed(world)
    address = f"/fhir/Observation/{made[0]['id']}"
    before = [(await world.http.get(address, headers=other)).status_code for _ in range(2)]
    consent = (await world.http.get(f"/fhir/Consent?patient={patient}", headers=own)).json()["entry"][0]["resource"]

    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=own, json={**consent, "status": "inactive"})

    assert before == [200, 200]
    assert [(await world.http.get(address, headers=caller)).status_code for caller in (own, other)] == [200, 404]
