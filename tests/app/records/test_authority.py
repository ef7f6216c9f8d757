"""What a caller may write: only its own custodianship, and nothing that would show or lower what is another's."""

from typing import Any

import httpx
import pytest

from app.consent.decide import WRITES
from fhir.store.categories import Category
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

PSY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}


def issue(response: httpx.Response) -> tuple[int, str]:
    """Return status and issue type of a refusal."""
    return response.status_code, response.json()["issue"][0]["code"]


async def put(world: World, caller: dict[str, str], resource: dict[str, Any], **headers: str) -> httpx.Response:
    address = f"/fhir/{resource['resourceType']}/{resource['id']}"
    return await world.http.put(address, headers=caller | headers, json=resource)


async def versions(world: World, caller: dict[str, str], reference: str) -> int:
    return int((await world.http.get(f"/fhir/{reference}/_history", headers=caller)).json()["total"])


async def test_a_role_makes_nothing_it_writes_of_what_it_does_not_write(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WRITES, "nurse", 1 << Category.VITAL_SIGN)
    hospital, nurse = await world.client("hospital-a"), await world.client("hospital-a", role="nurse")
    patient = (await world.post(hospital, a_patient()))["id"]
    laboratory, gone = [await world.post(hospital, an_observation(patient)) for _ in range(2)]
    await world.http.delete(f"/fhir/Observation/{gone['id']}", headers=hospital)
    vital_sign = an_observation(patient)["category"]
    vital_sign[0]["coding"][0]["code"] = "vital-signs"
    change = [{"op": "replace", "path": "/category", "value": vital_sign}]
    patched = {"Content-Type": "application/json-patch+json"}

    allowed = await world.http.post(
        "/fhir/Observation", headers=nurse, json=an_observation(patient, category=vital_sign)
    )
    answers = [
        await put(world, nurse, laboratory | {"category": vital_sign}),
        await put(world, nurse, gone | {"category": vital_sign}),
        await world.http.patch(f"/fhir/Observation/{laboratory['id']}", headers=nurse | patched, json=change),
    ]

    assert allowed.status_code == 201
    assert [issue(one) for one in answers] == [(403, "forbidden")] * 3
    assert await versions(world, hospital, f"Observation/{laboratory['id']}") == 1


async def test_a_visible_resource_of_another_site_is_not_changed(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await world.post(hospital, a_patient())
    await world.post(hospital, a_consent(patient["id"], "clinic-c"))
    observation = await world.post(hospital, an_observation(patient["id"]))

    updated = await put(world, clinic, observation | {"status": "amended"})
    deleted = await world.http.delete(f"/fhir/Observation/{observation['id']}", headers=clinic)

    assert (issue(updated), issue(deleted)) == ((403, "forbidden"), (403, "forbidden"))
    assert await versions(world, hospital, f"Observation/{observation['id']}") == 1


async def test_a_hidden_resource_and_none_are_refused_alike(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await world.post(hospital, a_patient())
    hidden = (await world.post(hospital, an_observation(patient["id"])))["id"]
    own = await world.post(clinic, a_patient())

    answers = {}
    for id_ in (hidden, "0" * len(hidden)):
        body = an_observation(own["id"], id=id_)
        address = f"/fhir/Observation/{id_}"
        responses = [
            await world.http.get(address, headers=clinic),
            await put(world, clinic, body),
            await put(world, clinic, body, **{"If-Match": 'W/"1"'}),
            await world.http.delete(address, headers=clinic),
            await world.http.delete(address, headers=clinic | {"If-Match": 'W/"1"'}),
            await world.http.get(f"{address}/_history", headers=clinic),
            await world.http.get(f"{address}/_history/1", headers=clinic),
            await world.http.get(f"{address}/$original", headers=clinic),
        ]
        answers[id_] = [(one.status_code, one.text.replace(id_, "ID"), sorted(one.headers)) for one in responses]

    assert answers[hidden] == answers["0" * len(hidden)]
    assert [status for status, _, _ in answers[hidden]] == [404, 404, 412, 404, 412, 404, 404, 404]


async def test_an_update_creates_only_under_the_callers_prefix(world: World) -> None:
    hospital = await world.client("hospital-a")

    own = await put(world, hospital, a_patient(id="hospital-a-1"))
    others = await put(world, hospital, a_patient(id="hospital-b-1"))

    assert own.status_code == 201
    assert own.headers["location"] == "http://127.0.0.1:8080/fhir/Patient/hospital-a-1/_history/1"
    assert issue(others) == (404, "not-found")


async def test_a_single_owner_creates_under_any_id(world: World) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"single_owner": True})
    hospital = await world.client("hospital-a")

    assert (await put(world, hospital, a_patient(id="abc"))).status_code == 201


async def test_a_patient_of_another_site_is_refused_like_an_unknown_one(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_consent(patient, "clinic-c"))

    for kind in ("hidden to write", "unknown"):
        id_ = patient if kind == "hidden to write" else "0" * len(patient)
        refused = await world.http.post("/fhir/Observation", headers=clinic, json=an_observation(id_))
        text = refused.text.replace(id_, "ID")

        assert (refused.status_code, "Patient/ID is not a patient of clinic-c" in text) == (422, True)
        assert refused.json()["issue"][0]["expression"] == ["Observation"]


async def test_a_reference_to_a_deleted_patient_is_refused(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.http.delete(f"/fhir/Patient/{patient}", headers=hospital)

    refused = await world.http.post("/fhir/Observation", headers=hospital, json=an_observation(patient))

    assert issue(refused) == (422, "not-found")


async def test_a_resource_stays_with_its_patient(world: World) -> None:
    hospital = await world.client("hospital-a")
    one, other = [(await world.post(hospital, a_patient()))["id"] for _ in range(2)]
    observation = await world.post(hospital, an_observation(one))

    moved = await put(world, hospital, observation | {"subject": {"reference": f"Patient/{other}"}})
    freed = await put(world, hospital, {**observation, "subject": {"display": "nobody"}})
    widened = await put(world, hospital, observation | {"focus": [{"reference": f"Patient/{other}"}]})

    assert [issue(one) for one in (moved, freed, widened)] == [(409, "conflict")] * 3
    assert await versions(world, hospital, f"Observation/{observation['id']}") == 1


async def test_a_group_takes_further_patients_and_forgets_none(world: World) -> None:
    hospital = await world.client("hospital-a")
    ids = [(await world.post(hospital, a_patient()))["id"] for _ in range(3)]
    members = [{"entity": {"reference": f"Patient/{id_}"}} for id_ in ids]
    group = await world.post(
        hospital, {"resourceType": "Group", "type": "person", "actual": True, "member": members[:2]}
    )

    grown = await put(world, hospital, group | {"member": members[1:]})
    again = await put(world, hospital, grown.json() | {"member": members})

    assert (grown.status_code, again.status_code) == (200, 200)


async def test_labels_are_never_lowered(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_consent(patient, "clinic-c"))
    made = await world.post(hospital, an_observation(patient, meta={"security": [PSY]}))
    address = f"/fhir/Observation/{made['id']}"
    bare = {name: value for name, value in made.items() if name != "meta"}

    updated = await put(world, hospital, bare)
    await world.http.delete(address, headers=hospital)
    made_again = await put(world, hospital, bare)
    seen = await world.http.get(address, headers=clinic)
    earlier = await world.http.get(f"{address}/_history/1", headers=clinic)

    assert (updated.json()["meta"]["security"], made_again.json()["meta"]["security"]) == ([PSY], [PSY])
    assert (seen.status_code, earlier.status_code) == (404, 404)
    assert await world.total(clinic, f"Observation?_id={made['id']}") == 0


async def test_a_version_that_is_no_longer_current_is_not_replaced(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await world.post(hospital, a_patient())
    await put(world, hospital, patient, **{"If-Match": 'W/"1"'})

    late = await put(world, hospital, patient, **{"If-Match": 'W/"1"'})
    odd = await put(world, hospital, patient, **{"If-Match": "yesterday"})
    gone = await world.http.delete(f"/fhir/Patient/{patient['id']}", headers=hospital | {"If-Match": 'W/"1"'})

    assert (issue(late), issue(odd), issue(gone)) == ((412, "conflict"), (400, "invalid"), (412, "conflict"))


async def test_a_deletion_is_done_once_and_leaves_the_versions(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    address = f"/fhir/Patient/{patient}"

    deleted = [await world.http.delete(address, headers=hospital) for _ in range(2)]
    read = await world.http.get(address, headers=hospital)
    first = await world.http.get(f"{address}/_history/1", headers=hospital)
    second = await world.http.get(f"{address}/_history/2", headers=hospital)
    history = (await world.http.get(f"{address}/_history", headers=hospital)).json()

    assert [(one.status_code, one.headers.get("etag")) for one in deleted] == [(204, 'W/"2"'), (204, None)]
    assert (issue(read), first.status_code, issue(second)) == ((410, "deleted"), 200, (410, "deleted"))
    assert [entry["request"]["method"] for entry in history["entry"]] == ["DELETE", "POST"]
    assert await world.total(hospital, "Patient") == 0


@pytest.mark.parametrize(
    ("role", "status"),
    [("system", 201), ("doctor", 201), ("nurse", 201), ("clerk", 201), ("pharmacist", 403), ("auditor", 403)],
)
async def test_roles_record_consent_about_their_own_patients(world: World, role: str, status: int) -> None:
    hospital, desk = await world.client("hospital-a"), await world.client("hospital-a", role=role)
    patient = (await world.post(hospital, a_patient()))["id"]

    written = await world.http.post("/fhir/Consent", headers=desk, json=a_consent(patient, "clinic-c"))

    assert written.status_code == status


async def test_only_the_secretariat_records_consent_about_patients_of_others(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    office = await world.client("secretariat", role="secretariat")
    patient = (await world.post(hospital, a_patient()))["id"]
    consent = a_consent(patient, "clinic-c")

    by_clinic = await world.http.post("/fhir/Consent", headers=clinic, json=consent)
    hidden = await world.total(clinic, "Patient")
    by_office = await world.http.post("/fhir/Consent", headers=office, json=consent)

    assert (by_clinic.status_code, hidden, by_office.status_code) == (422, 0, 201)
    assert await world.total(clinic, "Patient") == 1


@pytest.mark.parametrize("role", ["doctor", "nurse", "clerk", "secretariat", "auditor", "operator", "patient"])
async def test_people_write_no_clinical_data_by_hand(world: World, role: str) -> None:
    hospital, person = await world.client("hospital-a"), await world.client("hospital-a", role=role)
    patient = (await world.post(hospital, a_patient()))["id"]

    written = await world.http.post("/fhir/Observation", headers=person, json=an_observation(patient))

    assert issue(written) == (403, "forbidden")


async def test_nobody_writes_an_audit_event(world: World) -> None:
    hospital = await world.client("hospital-a")
    event = {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-04-01T09:00:00Z",
        "agent": [{"requestor": True}],
        "source": {"observer": {"display": "forged"}},
    }

    assert issue(await world.http.post("/fhir/AuditEvent", headers=hospital, json=event)) == (403, "forbidden")
