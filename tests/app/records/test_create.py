import pytest

from tests.world import World, a_patient

pytestmark = pytest.mark.anyio


async def test_a_type_that_is_a_concept_is_not_taken_for_a_bundles(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    encounter = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [{"text": "初診"}],
        "subject": {"reference": f"Patient/{patient}"},
    }
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"text": "経過記録"},
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"title": "x"}}],
    }

    assert (await world.post(hospital, encounter))["type"] == [{"text": "初診"}]
    assert (await world.post(hospital, document))["type"] == {"text": "経過記録"}
