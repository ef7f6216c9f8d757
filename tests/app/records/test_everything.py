import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.audit.log import AuditUnavailable
from fhir.store import walk
from tests.app.records.test_several_patients import are_one_person, performed_by
from tests.portal import recorded
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def everything(world: World, caller: dict[str, str], patient: str, query: str = "") -> list[str]:
    """Return the references of what the answer holds, over all pages."""
    found: list[str] = []
    url: str | None = f"/fhir/Patient/{patient}/$everything{query}"
    while url:
        response = await world.http.get(url, headers=caller)
        assert response.status_code == 200, response.text
        bundle = response.json()
        found += [f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in bundle.get("entry", ())]
        url = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), None)
    return found


async def a_record(world: World, hospital: dict[str, str]) -> tuple[str, list[str]]:
    """Write a Patient, three Observations of three years and one Practitioner; return the id and the references."""
    doctor = await world.post(hospital, {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]})
    patient = await world.post(hospital, a_patient())
    by = {"performer": [{"reference": f"Practitioner/{doctor['id']}"}]}
    made = [
        await world.post(hospital, an_observation(patient["id"], effectiveDateTime=f"{year}-05-01", **by))
        for year in (2022, 2023, 2024)
    ]
    observations = [f"Observation/{one['id']}" for one in reversed(made)]
    return patient["id"], [f"Patient/{patient['id']}", *observations, f"Practitioner/{doctor['id']}"]


async def test_it_holds_the_patient_then_the_record_and_each_thing_referred_to_once(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient, expected = await a_record(world, hospital)
    await world.post(hospital, a_patient())

    assert await everything(world, hospital, patient) == expected


async def test_a_large_record_leaves_in_chunks_and_is_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "CHUNK_BYTES", 1_000)
    hospital = await world.client("hospital-a")
    patient, expected = await a_record(world, hospital)

    assert sorted(await everything(world, hospital, patient)) == sorted(expected)


async def test_pages_hold_the_record_once(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient, expected = await a_record(world, hospital)

    found = await everything(world, hospital, patient, "?_count=1")

    own = [one for one in found if not one.startswith("Practitioner/")]
    assert own == expected[:-1]
    assert set(found) == set(expected)


async def test_a_page_link_is_good_for_its_caller_and_query_only(world: World) -> None:
    hospital, other = await world.client("hospital-a"), await world.client("hospital-b")
    patient, _ = await a_record(world, hospital)
    bundle = (await world.http.get(f"/fhir/Patient/{patient}/$everything?_count=1", headers=hospital)).json()
    link = next(one["url"] for one in bundle["link"] if one["relation"] == "next")

    changed = await world.http.get(link.replace("_count=1", "_count=2"), headers=hospital)
    stolen = await world.http.get(link, headers=other)

    assert (changed.status_code, stolen.status_code) == (400, 400)
    assert parsed(link).endswith(f"/Patient/{patient}/$everything")


def parsed(link: str) -> str:
    return urlsplit(link).path


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?_type=Observation", [1, 2, 3]),
        ("?_type=Patient,Practitioner", [0]),
        ("?start=2023", [0, 1, 2, 4]),
        ("?end=2023", [0, 2, 3, 4]),
        ("?start=2023-01-01&end=2023-12-31&_type=Observation", [2]),
        ("?_since=2099-01-01T00:00:00Z", []),
        ("?_since=2000-01-01T00:00:00Z", [0, 1, 2, 3, 4]),
    ],
)
async def test_parameters_limit_what_it_holds(world: World, query: str, wanted: list[int]) -> None:
    hospital = await world.client("hospital-a")
    patient, made = await a_record(world, hospital)

    assert await everything(world, hospital, patient, query) == [made[number] for number in wanted]


async def test_a_stay_that_lasts_into_the_time_asked_for_is_part_of_it(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    stay = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": "2023-12-20", "end": "2024-01-10"},
    }
    made = await world.post(hospital, stay)

    assert await everything(world, hospital, patient, "?start=2024&_type=Encounter") == [f"Encounter/{made['id']}"]
    assert await everything(world, hospital, patient, "?start=2024-02&_type=Encounter") == []


async def test_parameters_may_come_as_a_resource(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient, made = await a_record(world, hospital)
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "_type", "valueCode": "Observation"}, {"name": "start", "valueDate": "2023-01-01"}],
    }

    answer = await world.http.post(f"/fhir/Patient/{patient}/$everything", headers=hospital, json=parameters)

    assert [f"Observation/{one['resource']['id']}" for one in answer.json()["entry"]] == made[1:3]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Patient/{}/$everything?_count=0", 400),
        ("Patient/{}/$everything?_type=Nothing", 400),
        ("Patient/{}/$everything?start=yesterday", 400),
        ("Patient/{}/$everything?unknown=1", 400),
        ("Patient/{}/$everything?_cursor=AAAA", 400),
        ("Patient/nobody/$everything", 404),
        ("Observation/{}/$everything", 404),
        ("Nothing/{}/$everything", 404),
    ],
)
async def test_what_cannot_be_answered_is_refused(world: World, path: str, status: int) -> None:
    hospital = await world.client("hospital-a")
    patient, _ = await a_record(world, hospital)

    response = await world.http.get(f"/fhir/{path.format(patient)}", headers=hospital)

    assert response.status_code == status
    assert response.json()["resourceType"] == "OperationOutcome"


async def test_it_goes_over_all_sites_that_disclose(world: World) -> None:
    one, other, clinic = [await world.client(site) for site in ("hospital-a", "hospital-b", "clinic-c")]
    first, at_first = await a_record(world, one)
    second, at_second = await a_record(world, other)
    await are_one_person(world, first, second)

    hidden = await world.http.get(f"/fhir/Patient/{first}/$everything", headers=clinic)
    own = await everything(world, one, first)
    consent = await world.post(one, a_consent(first, "clinic-c"))
    both = await everything(world, clinic, first)

    assert hidden.status_code == 404
    assert own == at_first
    assert set(both) == {*at_first, *at_second, f"Consent/{consent['id']}"}


async def test_the_record_of_another_patient_who_is_referred_to_is_no_part_of_it(world: World) -> None:
    hospital = await world.client("hospital-a")
    child, _ = await a_record(world, hospital)
    mother, of_mother = await a_record(world, hospital)
    both = await world.post(hospital, an_observation(child, **performed_by(mother)))

    found = await everything(world, hospital, child)

    assert f"Observation/{both['id']}" in found
    assert not set(of_mother[:-1]) & set(found)


async def test_what_lies_at_another_address_is_not_taken_for_a_resource_of_the_hub(world: World) -> None:
    hospital = await world.client("hospital-a")
    one, other = [(await world.post(hospital, {"resourceType": "Practitioner"}))["id"] for _ in range(2)]
    links = [f"http://elsewhere.example/fhir/Practitioner/{one}", f"http://127.0.0.1:8080/fhir/Practitioner/{other}"]
    patient = (await world.post(hospital, a_patient(generalPractitioner=[{"reference": link} for link in links])))["id"]

    assert await everything(world, hospital, patient) == [f"Patient/{patient}", f"Practitioner/{other}"]


async def sent(world: World, caller: dict[str, str], path: str, chunks: list[Any]) -> None:
    """Call the application and note for each piece of the answer how many resources were on record by then."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and message.get("body"):
            told = {entity for event in await recorded(world) for entity in event.entities}
            chunks.append((message["body"], told))

    headers = [(name.lower().encode(), value.encode()) for name, value in caller.items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers, "client": None}
    await world.app(scope, receive, send)


async def test_each_chunk_is_on_record_before_it_leaves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "CHUNK_BYTES", 1)
    hospital = await world.client("hospital-a")
    patient, expected = await a_record(world, hospital)
    chunks: list[Any] = []

    await sent(world, hospital, f"/fhir/Patient/{patient}/$everything", chunks)

    whole = json.loads(b"".join(body for body, _ in chunks))
    assert len(whole["entry"]) == len(expected)
    assert len(chunks) > len(expected)
    for body, told in chunks:
        left = [one for one in expected if f'/fhir/{one}"'.encode() in body]
        assert {f"{one}/_history/1" for one in left} <= told


async def test_a_consent_that_is_withdrawn_on_the_way_counts_from_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "CHUNK_BYTES", 1)
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient, expected = await a_record(world, hospital)
    consent = await world.post(hospital, a_consent(patient, "clinic-c"))
    chunks: list[Any] = []
    append = world.hub.audit.append

    async def withdrawing(events: Any) -> None:
        await append(events)
        if any(f"{expected[1]}/_history/1" in event.entities for event in events):
            gone = await world.http.put(
                f"/fhir/Consent/{consent['id']}", headers=hospital, json={**consent, "status": "inactive"}
            )
            assert gone.status_code == 200

    monkeypatch.setattr(world.hub.audit, "append", withdrawing)
    await sent(world, clinic, f"/fhir/Patient/{patient}/$everything", chunks)

    bundle = json.loads(b"".join(body for body, _ in chunks))
    kinds = [one["resource"]["resourceType"] for one in bundle["entry"]]
    assert kinds.count("Observation") == 1
    assert "Patient" in kinds


async def test_it_breaks_off_when_a_chunk_cannot_be_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "CHUNK_BYTES", 1)
    hospital = await world.client("hospital-a")
    patient, _ = await a_record(world, hospital)
    chunks: list[Any] = []
    append = world.hub.audit.append

    async def failing(events: Any) -> None:
        if any(one.startswith("Observation") for event in events for one in event.entities):
            raise AuditUnavailable("The disk is full")
        await append(events)

    monkeypatch.setattr(world.hub.audit, "append", failing)
    with pytest.raises(AuditUnavailable):
        await sent(world, hospital, f"/fhir/Patient/{patient}/$everything", chunks)

    assert b"Observation/" not in b"".join(body for body, _ in chunks)
