"""Searches of a compartment: https://hl7.org/fhir/R4/compartmentdefinition.html."""

from typing import Any

import pytest

from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def _ids(world: World, caller: dict[str, str], path: str, form: str | None = None) -> list[str]:
    if form is None:
        response = await world.http.get(f"/fhir/{path}", headers=caller)
    else:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        response = await world.http.post(f"/fhir/{path}", headers=caller | kind, content=form)
    assert response.status_code == 200, response.text
    found = [one["resource"]["id"] for one in response.json().get("entry", ())]
    assert response.json()["total"] == len(found)
    return found


async def _record(world: World, caller: dict[str, str]) -> dict[str, str]:
    """Return the ids of a small record: of two patients, and who takes part in it."""
    made: dict[str, str] = {}

    async def post(name: str, resource: dict[str, Any]) -> None:
        made[name] = (await world.post(caller, resource))["id"]

    await post("patient", a_patient())
    await post("other", a_patient(gender="female"))
    await post("practitioner", {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]})
    await post("device", {"resourceType": "Device", "patient": {"reference": f"Patient/{made['patient']}"}})
    visit = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{made['patient']}"},
        "participant": [{"individual": {"reference": f"Practitioner/{made['practitioner']}"}}],
    }
    await post("encounter", visit)
    related = {"resourceType": "RelatedPerson", "patient": {"reference": f"Patient/{made['patient']}"}}
    await post("related", related)
    seen = {
        "encounter": {"reference": f"Encounter/{made['encounter']}"},
        "performer": [
            {"reference": f"Practitioner/{made['practitioner']}"},
            {"reference": f"RelatedPerson/{made['related']}"},
        ],
        "device": {"reference": f"Device/{made['device']}"},
    }
    await post("observation", an_observation(made["patient"], **seen))
    await post("plain", an_observation(made["patient"]))
    await post("performed", an_observation(made["other"], performer=[{"reference": f"Patient/{made['patient']}"}]))
    return made


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Patient/{patient}/Observation", ["observation", "plain", "performed"]),
        ("Patient/{patient}/Observation?encounter={encounter}", ["observation"]),
        ("Patient/{patient}/Observation?patient={patient}", ["observation", "plain"]),
        ("Patient/{patient}/Observation?patient={other}", ["performed"]),
        ("Patient/{patient}/Patient", ["patient"]),
        ("Encounter/{encounter}/Observation", ["observation"]),
        ("Encounter/{encounter}/Encounter", ["encounter"]),
        ("Practitioner/{practitioner}/Encounter", ["encounter"]),
        ("Practitioner/{practitioner}/Observation", ["observation"]),
        ("RelatedPerson/{related}/Observation", ["observation"]),
        ("Device/{device}/Observation", ["observation"]),
        ("Device/{practitioner}/Observation", []),
        (
            "Patient/{patient}/*",
            ["patient", "encounter", "related", "observation", "plain", "performed"],
        ),
        ("Patient/{patient}/*?_type=Observation,Encounter&_sort=-_id", None),
        ("Practitioner/{practitioner}/*", ["practitioner", "encounter", "observation"]),
    ],
)
async def test_a_compartment_holds_what_r4_says(world: World, path: str, expected: list[str] | None) -> None:
    own = await world.client("hospital-a")
    made = await _record(world, own)

    found = await _ids(world, own, path.format(**made))

    by_id = expected is None
    wanted = [made[name] for name in (("encounter", "observation", "plain", "performed") if by_id else expected or ())]
    assert found == (sorted(wanted, reverse=True) if by_id else wanted)


async def test_a_compartment_is_searched_by_post_with_the_parameters_of_both(world: World) -> None:
    own = await world.client("hospital-a")
    made = await _record(world, own)
    patient = made["patient"]

    of_type = await _ids(
        world, own, f"Patient/{patient}/Observation/_search?code=4548-4", f"encounter={made['encounter']}"
    )
    of_all = await _ids(world, own, f"Patient/{patient}/*/_search", "_type=Encounter")

    assert of_type == [made["observation"]]
    assert of_all == [made["encounter"]]


async def test_the_pages_of_a_compartment_lead_through_all_its_types(world: World) -> None:
    own = await world.client("hospital-a")
    made = await _record(world, own)
    address, found = f"/fhir/Patient/{made['patient']}/*?_count=2&_sort=_lastUpdated", []
    for _ in range(3):
        page = (await world.http.get(address, headers=own)).json()
        assert page["total"] == 6
        found += [one["resource"]["id"] for one in page["entry"]]
        links = {one["relation"]: one["url"] for one in page["link"]}
        address = links.get("next", "")

    assert address == ""
    assert found == [made[n] for n in ("patient", "encounter", "related", "observation", "plain", "performed")]


async def test_a_persons_compartment_reaches_over_sites_as_far_as_consent_does(world: World) -> None:
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    made = await _record(world, own)
    hidden = await _ids(world, clinic, f"Patient/{made['patient']}/*")

    await world.post(own, a_consent(made["patient"], "clinic-c"))

    assert hidden == []
    assert await _ids(world, clinic, f"Patient/{made['patient']}/Observation") == [made["observation"], made["plain"]]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Patient/x/Medication", 404),
        ("Organization/x/Observation", 404),
        ("Organization/x/*", 404),
        ("Patient/x/Nothing", 404),
        ("Patient/x/*?_type=Medication", 400),
        ("Patient/x/Observation?_type=Observation", 400),
        ("Patient/x/Observation?nonsense=1", 400),
        ("Patient/x/*?code=1", 400),
        ("Patient/nobody/Observation", 200),
    ],
)
async def test_what_is_no_compartment_is_refused(world: World, path: str, status: int) -> None:
    own = await world.client("hospital-a")

    response = await world.http.get(f"/fhir/{path}", headers=own)

    assert response.status_code == status
