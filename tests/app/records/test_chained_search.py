"""Chains and `_has`: https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has."""

from typing import Any

import pytest

from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def stocked(world: World) -> tuple[dict[str, str], dict[str, str]]:
    """Return a hospital and the ids of what it holds: two patients, their doctor, his employer, and results."""
    own = await world.client("hospital-a")

    async def post(**resource: Any) -> str:
        return str((await world.post(own, resource))["id"])

    ids = {"employer": await post(resourceType="Organization", name="北病院")}
    ids["doctor"] = await post(resourceType="Practitioner", name=[{"family": "佐藤"}], gender="female")
    ids["role"] = await post(
        resourceType="PractitionerRole",
        practitioner={"reference": f"Practitioner/{ids['doctor']}"},
        organization={"reference": f"Organization/{ids['employer']}"},
    )
    ids["first"] = await post(
        **a_patient(
            generalPractitioner=[{"reference": f"PractitionerRole/{ids['role']}"}],
            managingOrganization={"reference": f"Organization/{ids['employer']}"},
        )
    )
    ids["second"] = await post(**a_patient(name=[{"family": "Tanaka"}], gender="female", birthDate="1990"))
    ids["hba1c"] = await post(
        **an_observation(ids["first"], performer=[{"reference": f"Practitioner/{ids['doctor']}"}])
    )
    glucose = {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}
    ids["glucose"] = await post(
        **an_observation(ids["second"], code=glucose, hasMember=[{"reference": f"Observation/{ids['hba1c']}"}])
    )
    ids["device"] = await post(resourceType="Device", deviceName=[{"name": "meter", "type": "other"}])
    ids["of-device"] = await post(
        resourceType="Observation",
        status="final",
        code=glucose,
        subject={"reference": f"Device/{ids['device']}"},
    )
    return own, ids


async def found(world: World, caller: dict[str, str], query: str) -> list[str]:
    """Return the ids that a search finds, in order."""
    response = await world.http.get(f"/fhir/{query}", headers=caller)
    assert response.status_code == 200, response.text
    return sorted(entry["resource"]["id"] for entry in response.json().get("entry", ()))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Observation?subject:Patient.name=山田", ["hba1c"]),
        ("Observation?patient.name:exact=Tanaka", ["glucose"]),
        ("Observation?patient.name:exact=tanaka", []),
        ("Observation?patient.name:contains=nak", ["glucose"]),
        ("Observation?patient.gender=male,female", ["glucose", "hba1c"]),
        ("Observation?patient.gender:not=male", ["glucose"]),
        ("Observation?patient.birthdate=lt1970", ["hba1c"]),
        ("Observation?patient.general-practitioner:missing=true", ["glucose"]),
        ("Observation?subject.gender=male", ["hba1c"]),
        ("Observation?subject.device-name=meter", ["of-device"]),
        ("Observation?patient.organization.name=北", ["hba1c"]),
        ("Observation?patient.general-practitioner:PractitionerRole.practitioner.name=佐藤", ["hba1c"]),
        ("Observation?patient.general-practitioner:PractitionerRole.practitioner.name=鈴木", []),
        ("Observation?has-member:Observation.patient.name=山田", ["glucose"]),
        ("Observation?has-member:Observation.code=4548-4&patient.gender=female", ["glucose"]),
        ("Observation?performer:Practitioner.gender=female&code=4548-4", ["hba1c"]),
        ("Observation?patient=Patient/{first}&performer:Practitioner.name=佐藤", ["hba1c"]),
        ("Observation?patient=Patient/{second}&performer:Practitioner.name=佐藤", []),
        ("Observation?patient._id={first}", ["hba1c"]),
        ("Observation?patient._lastUpdated=gt2020&code=2345-7", ["glucose"]),
        ("Patient?_has:Observation:patient:code=http://loinc.org|4548-4", ["first"]),
        ("Patient?_has:Observation:patient:code:not=http://loinc.org|4548-4", ["second"]),
        ("Patient?_has:Observation:subject:performer:Practitioner.name=佐藤", ["first"]),
        ("Patient?gender=female&_has:Observation:patient:code=2345-7", ["second"]),
        ("Patient?_has:Observation:patient:_has:Observation:has-member:code=2345-7", ["first"]),
        ("Practitioner?_has:Observation:performer:patient.name=山田", ["doctor"]),
        ("Practitioner?_has:PractitionerRole:practitioner:organization.name=北", ["doctor"]),
        ("Practitioner?_has:Observation:performer:value-quantity=gt6", ["doctor"]),
        ("Practitioner?_has:Observation:performer:value-quantity=gt7", []),
        ("Observation?patient._has:Observation:patient:code=4548-4", ["hba1c"]),
        ("Organization?_has:Patient:organization:_has:Observation:patient:status=final", ["employer"]),
    ],
)
async def test_references_are_followed_both_ways(world: World, query: str, names: list[str]) -> None:
    own, ids = await stocked(world)

    assert await found(world, own, query.format(**ids)) == sorted(ids[name] for name in names)


async def test_what_a_chain_passes_must_exist_for_the_caller(world: World) -> None:
    _, ids = await stocked(world)
    clinic = await world.client("clinic-c")
    queries = ("Observation?patient.name=Tanaka", "Patient?_has:Observation:patient:code=2345-7")

    before = [await found(world, clinic, query) for query in queries]
    hospital = await world.client("hospital-a")
    await world.post(hospital, a_consent(ids["second"], "clinic-c"))
    after = [await found(world, clinic, query) for query in queries]

    assert before == [[], []]
    assert after == [[ids["glucose"]], [ids["second"]]]


async def test_a_visible_result_is_not_found_by_what_is_hidden(world: World) -> None:
    hospital, ids = await stocked(world)
    category = {"system": "http://renkei.example/fhir/CodeSystem/category", "code": "laboratory"}
    await world.post(hospital, a_consent(ids["first"], "clinic-c", **{"class": [category]}))
    clinic = await world.client("clinic-c")

    assert await found(world, clinic, "Observation?code=4548-4") == [ids["hba1c"]]
    assert await found(world, clinic, "Observation?patient.name=山田") == []
    assert await found(world, clinic, "Observation?performer:Practitioner.name=佐藤") == [ids["hba1c"]]


async def test_a_deleted_resource_is_passed_by_no_chain(world: World) -> None:
    own, ids = await stocked(world)
    await world.http.delete(f"/fhir/Practitioner/{ids['doctor']}", headers=own)

    assert await found(world, own, "Observation?performer:Practitioner.gender:missing=false") == []
    assert await found(world, own, "Observation?performer:Practitioner.name=佐藤") == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("Observation?code.name=a", 400, "invalid"),
        ("Observation?patient:Group.name=a", 400, "invalid"),
        ("Observation?patient.colour=red", 400, "invalid"),
        ("Observation?colour.name=a", 400, "invalid"),
        ("Observation?patient.birthdate=yesterday", 400, "invalid"),
        ("Observation?patient.name:above=a", 400, "not-supported"),
        ("Observation?patient.=a", 400, "invalid"),
        ("Measure?depends-on:Library.name=a", 400, "not-supported"),
        ("Patient?_has=a", 400, "invalid"),
        ("Patient?_has:Observation:patient=a", 400, "invalid"),
        ("Patient?_has:Observations:patient:code=a", 400, "invalid"),
        ("Patient?_has:Observation:performer:code=a", 200, None),
        ("Patient?_has:Observation:encounter:code=a", 400, "invalid"),
        ("Patient?" + "_has:Observation:patient:" * 1 + "has-member:Observation." * 4 + "code=a", 403, "too-costly"),
        ("Provenance?target._id=a", 403, "too-costly"),
    ],
)
async def test_a_chain_that_leads_nowhere_or_too_far_is_refused(
    world: World, query: str, status: int, code: str | None
) -> None:
    own = await world.client("hospital-a")

    response = await world.http.get(f"/fhir/{query}", headers=own)

    assert response.status_code == status, response.text
    assert code is None or response.json()["issue"][0]["code"] == code


@pytest.mark.parametrize(
    "query",
    [
        "Observation?" + "&".join(f"subject.identifier=a{number}" for number in range(7)),
        "Observation?subject.identifier=" + ",".join(f"a{number}" for number in range(120)),
        "Observation?patient._has:Observation:patient:has-member:Observation.patient.name=a",
        "Observation?has-member:Observation.has-member:Observation.has-member:Observation.combo-code-value-quantity=a$1",
        "Observation?_filter=not (not (patient._has:Observation:patient:has-member:Observation.patient.name co a))",
    ],
    ids=["many", "wide", "deep", "deep and composite", "deep and not"],
)
async def test_the_dearest_search_that_is_allowed_is_answered(world: World, query: str) -> None:
    await stocked(world)
    clinic = await world.client("clinic-c")

    assert await found(world, clinic, query) == []
