"""Provisions about single resources, and what goes with them: PCF's intermediate Consents."""

from typing import Any

import pytest

from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

VISIT = {
    "resourceType": "Encounter",
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
}


async def a_record(world: World) -> dict[str, str]:
    """Write a visit and what belongs to it at hospital-a, and return the references by their names."""
    hospital = await world.client("hospital-a")
    made: dict[str, str] = {}

    async def write(as_name: str, **resource: Any) -> None:
        stored = await world.post(hospital, resource)
        made[as_name] = f"{stored['resourceType']}/{stored['id']}"

    await write("patient", **a_patient())
    subject = {"reference": made["patient"]}
    await write("doctor", resourceType="Practitioner", name=[{"family": "佐藤"}])
    doctor = {"reference": made["doctor"]}
    active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    condition = {"resourceType": "Condition", "clinicalStatus": active, "subject": subject, "code": {"text": "胃炎"}}
    await write("named by the visit", **condition)
    diagnosis = [{"condition": {"reference": made["named by the visit"]}}]
    await write("visit", **VISIT, subject=subject, diagnosis=diagnosis)
    visit = {"reference": made["visit"]}
    await write("result", **an_observation(made["patient"][8:], encounter=visit))
    await write("other", **an_observation(made["patient"][8:], performer=[doctor]))
    vaccine = {"resourceType": "Immunization", "status": "completed", "patient": subject, "encounter": visit}
    await write("vaccine", **vaccine, vaccineCode={"text": "麻しん"}, occurrenceDateTime="2024-05-01")
    await write("recorded", **condition, recorder=doctor)
    content = [{"attachment": {"contentType": "text/plain", "title": "紹介状"}}]
    letter = {"resourceType": "DocumentReference", "status": "current", "subject": subject, "content": content}
    await write("letter", **letter, context={"encounter": [visit]}, date="2024-05-01T10:00:00+09:00")
    security = {"reference": made["letter"]}
    await write("bytes", resourceType="Binary", contentType="text/plain", data="6YCA6Zmi", securityContext=security)
    return made


async def seen(world: World, made: dict[str, str], **provision: Any) -> set[str]:
    """Return the names of what clinic-c reads under a Consent with the provision."""
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await world.post(hospital, a_consent(made["patient"][8:], "clinic-c", **provision))
    found = set()
    for name, reference in made.items():
        if (await world.http.get(f"/fhir/{reference}", headers=clinic)).status_code == 200:
            found.add(name)
    return found - {"doctor"}


def data(meaning: str, reference: str) -> list[dict[str, Any]]:
    return [{"meaning": meaning, "reference": {"reference": reference}}]


OF_THE_VISIT = {"visit", "named by the visit", "result", "vaccine", "letter", "bytes"}
EVERYTHING = OF_THE_VISIT | {"patient", "other", "recorded"}


@pytest.mark.parametrize(
    ("meaning", "named", "expected"),
    [
        ("instance", "letter", {"letter", "bytes"}),
        ("related", "visit", OF_THE_VISIT),
        ("dependents", "visit", OF_THE_VISIT - {"named by the visit"}),
        ("authoredby", "doctor", {"other", "recorded"}),
    ],
)
async def test_a_permit_of_single_resources_opens_them_and_what_goes_with_them(
    world: World, meaning: str, named: str, expected: set[str]
) -> None:
    made = await a_record(world)

    assert await seen(world, made, data=data(meaning, made[named])) == expected


@pytest.mark.parametrize(
    ("meaning", "named", "hidden"),
    [
        ("instance", "letter", {"letter", "bytes"}),
        ("related", "visit", OF_THE_VISIT),
        ("authoredby", "doctor", {"other", "recorded"}),
    ],
)
async def test_an_exception_hides_single_resources_and_what_goes_with_them(
    world: World, meaning: str, named: str, hidden: set[str]
) -> None:
    made = await a_record(world)
    exception = {"type": "deny", "data": data(meaning, made[named])}

    assert await seen(world, made, provision=[exception]) == EVERYTHING - hidden


async def test_an_exception_may_lie_in_a_permit_of_single_resources(world: World) -> None:
    made = await a_record(world)
    exception = {"type": "deny", "data": data("instance", made["result"])}

    found = await seen(world, made, data=data("related", made["visit"]), provision=[exception])

    assert found == OF_THE_VISIT - {"result"}


@pytest.mark.parametrize(
    ("meaning", "named"),
    [("instance", "letter"), ("dependents", "letter"), ("dependents", "visit"), ("authoredby", "doctor")],
)
@pytest.mark.parametrize("effect", ["permit", "deny"])
async def test_bytes_go_with_the_document_that_names_them_by_an_address(
    world: World, meaning: str, named: str, effect: str
) -> None:
    hospital = await world.client("hospital-a")
    made = {"patient": f"Patient/{(await world.post(hospital, a_patient()))['id']}"}
    subject = {"reference": made["patient"]}

    async def write(as_name: str, **resource: Any) -> None:
        stored = await world.post(hospital, resource)
        made[as_name] = f"{stored['resourceType']}/{stored['id']}"

    await write("doctor", resourceType="Practitioner", name=[{"family": "佐藤"}])
    await write("visit", **VISIT, subject=subject)
    # The bytes say of whom they are, and not of which document.
    for name in ("bytes", "others"):
        await write(name, resourceType="Binary", contentType="text/plain", data="6YCA6Zmi", securityContext=subject)
    letter: dict[str, Any] = {"resourceType": "DocumentReference", "status": "current", "subject": subject}
    letter |= {"author": [{"reference": made["doctor"]}], "context": {"encounter": [{"reference": made["visit"]}]}}
    attachment = {"contentType": "text/plain", "url": f"http://127.0.0.1:8080/fhir/{made['bytes']}"}
    await write("letter", **letter, content=[{"attachment": attachment}])
    about = {"data": data(meaning, made[named])}

    if effect == "permit":
        found = await seen(world, made, **about)
        assert {"letter", "bytes"} <= found
        assert "others" not in found
    else:
        found = await seen(world, made, provision=[{"type": "deny", **about}])
        assert found.isdisjoint({"letter", "bytes"})
        assert "others" in found


async def test_what_a_site_has_written_is_authored_by_it(world: World) -> None:
    made = await a_record(world)

    assert await seen(world, made, data=data("authoredby", "Organization/hospital-a")) == EVERYTHING


async def test_the_history_of_what_was_deleted_stays_hidden(world: World) -> None:
    made = await a_record(world)
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await seen(world, made, provision=[{"type": "deny", "data": data("related", made["visit"])}])
    await world.http.delete(f"/fhir/{made['result']}", headers=hospital)

    assert (await world.http.get(f"/fhir/{made['result']}/_history/1", headers=clinic)).status_code == 404


async def test_what_is_written_later_is_covered_and_an_update_leaves_what_is_no_longer_related(world: World) -> None:
    made = await a_record(world)
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await seen(world, made, data=data("related", made["visit"]))
    visit = {"reference": made["visit"]}
    later = await world.post(hospital, an_observation(made["patient"][8:], encounter=visit))
    address = f"/fhir/Observation/{later['id']}"
    before = (await world.http.get(address, headers=clinic)).status_code
    del later["encounter"]
    await world.http.put(address, headers=hospital, json=later)

    assert (before, (await world.http.get(address, headers=clinic)).status_code) == (200, 404)


async def test_the_first_grant_of_single_resources_counts_for_callers_who_are_known(world: World) -> None:
    made = await a_record(world)
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    permit = await world.post(hospital, a_consent(made["patient"][8:], "clinic-c"))
    secret = clinic["Authorization"].removeprefix("Bearer ")
    before = await world.http.get(f"/fhir/{made['other']}", headers=clinic)
    known = await world.hub.callers.by_token(secret, {"headers": []})

    exception = {"type": "deny", "data": [{"meaning": "instance", "reference": {"reference": made["other"]}}]}
    permit["provision"]["provision"] = [exception]
    changed = await world.http.put(f"/fhir/Consent/{permit['id']}", json=permit, headers=hospital)
    after = await world.http.get(f"/fhir/{made['other']}", headers=clinic)
    now_known = await world.hub.callers.by_token(secret, {"headers": []})

    assert (before.status_code, changed.status_code, after.status_code) == (200, 200, 404)
    assert (known.of_data, now_known.of_data) == (False, True)
    assert now_known.epoch > known.epoch
