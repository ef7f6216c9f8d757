"""What is known of terminology is what exists for the caller; each question is on record, and about no patient."""

from typing import Any

import pytest

from tests.app.records.terminology.test_expand import issue
from tests.terminology import ALL, DIABETES, DISEASE, MAP, OLD, a_code_system, a_concept_map, a_filter, a_value_set
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def hidden_one(world: World, owner: dict[str, str], resource: dict[str, Any]) -> dict[str, Any]:
    """Store a resource that is about a patient, and so not everybody's."""
    patient = (await world.post(owner, a_patient()))["id"]
    about = [{"url": "urn:about", "valueReference": {"reference": f"Patient/{patient}"}}]
    return await world.post(owner, {**resource, "extension": about})


async def test_hidden_and_never_existing_are_answered_alike(world: World) -> None:
    owner, stranger = await world.client("hospital-a"), await world.client("clinic-c")
    stored = [
        await hidden_one(world, owner, one)
        for one in (a_code_system(), a_value_set(DIABETES, a_filter("concept", "is-a", "E1")), a_concept_map())
    ]
    system, value_set, concept_map = (one["id"] for one in stored)

    asked = [
        ("ValueSet/$expand?url={}", DIABETES),
        ("ValueSet/{}/$expand", value_set),
        ("ValueSet/$validate-code?url={}&code=E11&system=urn:x", DIABETES),
        ("CodeSystem/$lookup?system={}&code=E11", DISEASE),
        ("CodeSystem/{}/$subsumes?codeA=E1&codeB=E11", system),
        ("ConceptMap/$translate?url={}&code=250", MAP),
        ("ConceptMap/{}/$translate?code=250", concept_map),
        ("Condition?code:in={}", DIABETES),
        ("Condition?code:in=ValueSet/{}", value_set),
        ("Condition?code:below={}|E1", DISEASE),
    ]
    for form, name in asked:
        own = await world.http.get(f"/fhir/{form.format(name)}", headers=owner)
        hidden = await world.http.get(f"/fhir/{form.format(name)}", headers=stranger)
        never = await world.http.get(f"/fhir/{form.format('urn:never' if ':' in name else 'never')}", headers=stranger)
        assert own.status_code == 200, (form, own.text)
        assert hidden.status_code == never.status_code == (422 if "Condition" in form else 404), (form, hidden.text)
        assert hidden.text.replace(name, "") == never.text.replace("urn:never", "").replace("never", "")
    by_all = await world.http.get(f"/fhir/ConceptMap/$translate?system={OLD}&code=250", headers=stranger)
    assert by_all.json()["parameter"][0] == {"name": "result", "valueBoolean": False}


async def test_a_value_set_that_is_seen_does_not_tell_of_a_code_system_that_is_not(world: World) -> None:
    owner, stranger = await world.client("hospital-a"), await world.client("clinic-c")
    await hidden_one(world, owner, a_code_system())
    await world.post(owner, a_value_set(ALL, {"system": DISEASE}))

    own = await world.http.get(f"/fhir/ValueSet/$expand?url={ALL}", headers=owner)
    other = await world.http.get(f"/fhir/ValueSet/$expand?url={ALL}", headers=stranger)

    assert own.json()["expansion"]["total"] == 7
    assert issue(other) == (422, "not-found", [])


async def test_a_question_is_on_record_and_names_no_patient(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await world.client("hospital-a")
    patient = (await world.post(caller, a_patient()))["id"]
    await world.post(caller, an_observation(patient))
    stored = await world.post(caller, a_value_set(DIABETES, {"system": "urn:s", "concept": [{"code": "a"}]}))
    told: list[Any] = []
    append = world.hub.audit.append

    async def heard(events: Any) -> None:
        told.extend(events)
        await append(events)

    monkeypatch.setattr(world.hub.audit, "append", heard)

    await world.http.get(f"/fhir/ValueSet/{stored['id']}/$expand", headers=caller)
    await world.http.get(
        "/fhir/CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=male", headers=caller
    )

    assert [(one.interaction, one.action, one.patient, one.outcome) for one in told] == [
        ("operation", "E", None, "0"),
        ("operation", "E", None, "0"),
    ]
    assert told[0].entities == (f"ValueSet/{stored['id']}/_history/1",)
    assert "$expand" in told[0].path
