import pytest

from tests.identity import are_one_person
from tests.portal import recorded
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def patients(world: World, hospital: dict[str, str], count: int = 2) -> list[str]:
    """Return the ids of new Patients of a site."""
    return [(await world.post(hospital, a_patient()))["id"] for _ in range(count)]


def performed_by(patient: str) -> dict[str, object]:
    """Return the elements of an Observation that name a Patient who is not its subject."""
    return {"performer": [{"reference": f"Patient/{patient}"}]}


async def found(world: World, caller: dict[str, str], query: str) -> list[str]:
    """Return the ids of all matches of a search, page by page, and check the totals."""
    ids: list[str] = []
    url: str | None = f"/fhir/{query}"
    totals = set()
    while url:
        response = await world.http.get(url, headers=caller)
        assert response.status_code == 200, response.text
        bundle = response.json()
        totals.add(bundle["total"])
        ids += [one["resource"]["id"] for one in bundle.get("entry", ())]
        url = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), None)
    assert totals == {len(ids)}
    return ids


@pytest.mark.parametrize(
    "criteria",
    [
        "",
        "&code=http://loinc.org|4548-4&date=ge2024&_sort=-date&_count=20",
        "&code=4548-4",
        "&category=laboratory,vital-signs",
        "&date=2024-05-01",
        "&value-quantity=gt6&_sort=value-quantity",
        "&code:not=718-7",
    ],
    ids=["alone", "code, date, newest first", "code", "categories", "date", "quantity", "not"],
)
async def test_a_row_of_several_is_found_by_the_patient_it_is_about(world: World, criteria: str) -> None:
    hospital = await world.client("hospital-a")
    mother, child = await patients(world, hospital)
    both = await world.post(hospital, an_observation(child, **performed_by(mother)))

    assert await found(world, hospital, f"Observation?patient={child}{criteria}") == [both["id"]]
    assert await found(world, hospital, f"Observation?patient=Patient/{mother}{criteria}") == []


async def test_rows_of_one_and_of_several_are_sorted_and_paged_together(world: World) -> None:
    hospital = await world.client("hospital-a")
    mother, child = await patients(world, hospital)
    made = []
    for day in range(1, 8):
        more = performed_by(mother) if day % 2 else {}
        made.append(
            (await world.post(hospital, an_observation(child, effectiveDateTime=f"2024-05-0{day}", **more)))["id"]
        )

    newest_first = await found(world, hospital, f"Observation?patient={child}&code=4548-4&_sort=-date&_count=2")
    counted = await world.total(hospital, f"Observation?patient={child}&_summary=count")

    assert newest_first == made[::-1]
    assert counted == 7


async def test_it_is_found_by_each_patient_of_the_person(world: World) -> None:
    hospital = await world.client("hospital-a")
    mother, child, again = await patients(world, hospital, 3)
    await are_one_person(world, child, again)
    both = await world.post(hospital, an_observation(child, **performed_by(mother)))

    assert await found(world, hospital, f"Observation?patient={again}&code=4548-4") == [both["id"]]


async def test_a_row_about_two_patients_of_one_person_is_found_once(world: World) -> None:
    hospital = await world.client("hospital-a")
    one, other = await patients(world, hospital)
    await are_one_person(world, one, other)
    subjects = [{"reference": f"Patient/{id_}"} for id_ in (one, other)]
    account = await world.post(hospital, {"resourceType": "Account", "status": "active", "subject": subjects})

    assert await found(world, hospital, f"Account?patient={one}") == [account["id"]]
    assert await found(world, hospital, f"Account?patient={other}&status=active") == [account["id"]]


async def test_a_row_about_two_persons_is_found_by_either(world: World) -> None:
    hospital = await world.client("hospital-a")
    one, other = await patients(world, hospital)
    subjects = [{"reference": f"Patient/{id_}"} for id_ in (one, other)]
    account = await world.post(hospital, {"resourceType": "Account", "status": "active", "subject": subjects})

    assert await found(world, hospital, f"Account?patient={one}") == [account["id"]]
    assert await found(world, hospital, f"Account?patient={other}") == [account["id"]]


async def test_a_later_version_about_the_other_patient_is_found_by_that_one(world: World) -> None:
    hospital = await world.client("hospital-a")
    one, other = await patients(world, hospital)
    made = await world.post(hospital, an_observation(one, **performed_by(other)))
    turned = {**an_observation(other, **performed_by(one)), "id": made["id"]}

    response = await world.http.put(f"/fhir/Observation/{made['id']}", headers=hospital, json=turned)

    assert response.status_code == 200, response.text
    assert await found(world, hospital, f"Observation?patient={one}&code=4548-4") == []
    assert await found(world, hospital, f"Observation?patient={other}&code=4548-4") == [made["id"]]


async def test_deleted_it_is_found_no_more_and_written_again_it_is(world: World) -> None:
    hospital = await world.client("hospital-a")
    mother, child = await patients(world, hospital)
    made = await world.post(hospital, an_observation(child, **performed_by(mother)))
    await world.http.delete(f"/fhir/Observation/{made['id']}", headers=hospital)
    deleted = await found(world, hospital, f"Observation?patient={child}")

    await world.http.put(f"/fhir/Observation/{made['id']}", headers=hospital, json=made)

    assert deleted == []
    assert await found(world, hospital, f"Observation?patient={child}") == [made["id"]]


async def test_another_site_sees_none_of_it_whatever_the_patients_permit(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    mother, child = await patients(world, hospital)
    for patient in (mother, child):
        await world.post(hospital, a_consent(patient, "clinic-c"))
    alone = await world.post(hospital, an_observation(child))
    both = await world.post(hospital, an_observation(child, **performed_by(mother)))

    read = await world.http.get(f"/fhir/Observation/{both['id']}", headers=clinic)

    assert read.status_code == 404
    assert await found(world, clinic, f"Observation?patient={child}") == [alone["id"]]
    assert await found(world, clinic, "Observation") == [alone["id"]]
    assert await found(world, hospital, f"Observation?patient={child}") == [alone["id"], both["id"]]


async def test_includes_lead_to_it_and_from_it(world: World) -> None:
    hospital = await world.client("hospital-a")
    mother, child = await patients(world, hospital)
    both = await world.post(hospital, an_observation(child, **performed_by(mother)))
    url = f"/fhir/Observation?patient={child}&_include=Observation:patient&_include=Observation:performer"

    from_it = (await world.http.get(url, headers=hospital)).json()
    to_it = (
        await world.http.get(f"/fhir/Patient?_id={child}&_revinclude=Observation:patient", headers=hospital)
    ).json()

    assert [one["resource"]["id"] for one in from_it["entry"]] == [both["id"], child, mother]
    assert [one["resource"]["id"] for one in to_it["entry"]] == [child, both["id"]]


async def test_the_summary_of_whom_it_is_about_holds_it(world: World) -> None:
    hospital = await world.client("hospital-a")
    mother, child = await patients(world, hospital)
    both = await world.post(hospital, an_observation(child, **performed_by(mother)))

    summaries = [
        (await world.http.get(f"/fhir/Patient/{id_}/$summary", headers=hospital)).json() for id_ in (child, mother)
    ]

    ids = [{one["resource"]["id"] for one in summary["entry"]} for summary in summaries]
    assert [both["id"] in one for one in ids] == [True, False]


async def test_a_provenance_of_a_row_of_several_is_of_the_same_patients(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    mother, child = await patients(world, hospital)
    both = await world.post(hospital, an_observation(child, **performed_by(mother)))
    await world.post(hospital, a_consent(child, "clinic-c"))
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": f"Observation/{both['id']}"}],
        "recorded": "2024-05-01T10:00:00Z",
        "agent": [{"who": {"display": "device"}}],
    }
    made = await world.post(hospital, provenance)

    updated = await world.http.put(f"/fhir/Provenance/{made['id']}", headers=hospital, json=made)

    assert updated.status_code == 200
    written = [event for event in await recorded(world) if f"Provenance/{made['id']}/_history/2" in event.entities]
    assert {event.patient for event in written} == {f"Patient/{mother}", f"Patient/{child}"}
    assert await found(world, hospital, "Provenance") == [made["id"]]
    assert await found(world, clinic, "Provenance") == []
